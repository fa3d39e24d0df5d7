// swift-tools-version: 6.2
import PackageDescription

/// The settings of the main package.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

// A package of its own: only who runs microbenchmarks waits for what they are built on.
let package = Package(
  name: "swift-frp-microbenchmarks",
  dependencies: [
    .package(name: "swift-frp", path: "../.."),
    // Without jemalloc: CAllocationCount counts what the C library allocates.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .target(name: "CAllocationCount", cSettings: [.treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "HotPieces",
      dependencies: [
        "CAllocationCount",
        .product(name: "BenchmarkSupport", package: "swift-frp"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/HotPieces",
      swiftSettings: strict,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
)
