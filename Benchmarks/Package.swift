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

let package = Package(
  name: "swift-frp-benchmarks",
  products: [.executable(name: "relay-bench", targets: ["RelayBench"])],
  dependencies: [
    .package(name: "swift-frp", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .systemLibrary(name: "CTimer"),
    .target(name: "BenchmarkReport", swiftSettings: strict),
    .executableTarget(
      name: "RelayBench",
      dependencies: [
        "BenchmarkReport", "CTimer",
        .product(name: "BenchmarkSupport", package: "swift-frp"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "BenchmarkReportTests", dependencies: ["BenchmarkReport"], swiftSettings: strict),
  ]
)
