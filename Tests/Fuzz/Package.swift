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

// A package of its own: it links only with the runtime of libFuzzer, which `make fuzz` asks for.
let package = Package(
  name: "swift-frp-fuzz",
  dependencies: [.package(name: "swift-frp", path: "../..")],
  targets: [
    .systemLibrary(name: "CLibFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: ["CLibFuzzer", .product(name: "FuzzTargets", package: "swift-frp")],
      swiftSettings: strict),
  ]
)
