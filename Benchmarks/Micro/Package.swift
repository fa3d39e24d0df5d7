// swift-tools-version: 6.1
import PackageDescription

// `traits: []` leaves out the benchmark package's own interposers, which need more packages; the
// allocations are counted by CAllocationCount.
let package = Package(
  name: "swift-frp-microbenchmarks",
  dependencies: [
    .package(name: "swift-frp", path: "../.."),
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .target(name: "CAllocationCount"),
    .executableTarget(
      name: "Hot",
      dependencies: [
        "CAllocationCount",
        .product(name: "BenchmarkSupport", package: "swift-frp"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Hot",
      swiftSettings: [.swiftLanguageMode(.v6)],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
)
