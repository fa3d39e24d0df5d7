// swift-tools-version: 6.2
import PackageDescription

/// Settings that every target of ours shares.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Settings of pure modules: every use of an unsafe construct is spelled out.
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let deques: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let arguments: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "swift-frp",
  products: [
    .executable(name: "frps", targets: ["frps"]),
    .executable(name: "frpc", targets: ["frpc"]),
    // What the load generators of Benchmarks are made of, and what its microbenchmarks measure.
    .library(
      name: "BenchmarkSupport",
      targets: [
        "Transports", "Reactor", "LinuxSystem", "Timekeeping", "ByteBuffers", "WireProtocol",
        "StreamMux", "StreamCoding", "ProxyGraph", "HTTPProtocol",
      ]),
    // What the fuzzers of Tests/Fuzz run.
    .library(name: "FuzzTargets", targets: ["FuzzTargets"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // C: thin wrappers and system libraries.
    .target(name: "CLinux", cSettings: [.treatAllWarnings(as: .error)]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CSnappy", pkgConfig: "snappy", providers: [.apt(["libsnappy-dev"])]),
    .systemLibrary(
      name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
    .systemLibrary(
      name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
    .systemLibrary(
      name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
      name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),

    // Tier 0: bytes, time, logs.
    .target(name: "ByteBuffers", swiftSettings: strict),
    .target(name: "Timekeeping", swiftSettings: safe),
    .target(name: "Diagnostics", dependencies: [logging, "CLinux"], swiftSettings: strict),

    // Tier 1: protocols and decisions, values without I/O.
    .target(name: "WireProtocol", dependencies: ["ByteBuffers"], swiftSettings: safe),
    .target(
      name: "StreamMux", dependencies: ["ByteBuffers", "Timekeeping"], swiftSettings: strict),
    .target(
      name: "StreamCoding",
      dependencies: ["ByteBuffers", "Timekeeping", "COpenSSL", "CSnappy"],
      swiftSettings: strict),
    .target(
      name: "HTTPProtocol", dependencies: ["ByteBuffers", "Timekeeping"], swiftSettings: safe),
    .target(
      name: "HTTP2Protocol", dependencies: ["ByteBuffers", "HTTPProtocol", "CNghttp2"],
      swiftSettings: strict),
    .target(name: "Configuration", dependencies: ["Timekeeping", "CYAML"], swiftSettings: safe),
    .target(name: "Commands", dependencies: ["Configuration"], swiftSettings: safe),
    .target(
      name: "ProxyGraph", dependencies: ["ByteBuffers", "Timekeeping", "WireProtocol"],
      swiftSettings: safe),
    .target(name: "Admission", dependencies: ["Timekeeping"], swiftSettings: safe),

    // Tier 2: the kernel.
    .target(name: "LinuxSystem", dependencies: ["CLinux", "CSeccomp"], swiftSettings: strict),
    .target(
      name: "Reactor",
      dependencies: ["LinuxSystem", "CLinux", "CCares", "ByteBuffers", "Timekeeping"],
      swiftSettings: strict),

    // Tier 3: channels over sockets.
    .target(
      name: "Transports",
      dependencies: [
        "Reactor", "LinuxSystem", "ByteBuffers", "Timekeeping", "StreamMux", "StreamCoding",
        "WireProtocol", "HTTPProtocol", "Configuration", "COpenSSL", deques, logging,
      ],
      swiftSettings: strict),

    // Tier 4: services of our own.
    .target(
      name: "Dashboard",
      dependencies: [
        "Transports", "Reactor", "LinuxSystem", "ByteBuffers", "Timekeeping", "HTTPProtocol",
        logging,
      ],
      swiftSettings: strict),

    .target(
      name: "HTTPGateway",
      dependencies: [
        "Transports", "Reactor", "LinuxSystem", "ByteBuffers", "Timekeeping", "HTTPProtocol",
        "HTTP2Protocol",
      ],
      swiftSettings: strict),

    // Tier 5: the two programs as libraries, and what makes services of them.
    .target(
      name: "Daemon",
      dependencies: [
        "Reactor", "LinuxSystem", "Timekeeping", "Configuration", "Commands", "Diagnostics",
        logging,
      ],
      swiftSettings: strict),
    .target(
      name: "RelayServer",
      dependencies: [
        "HTTPGateway",
        "Transports", "Reactor", "LinuxSystem", "ByteBuffers", "Timekeeping", "StreamMux",
        "StreamCoding", "WireProtocol", "Configuration", "ProxyGraph", "Admission", "Diagnostics",
        "HTTPProtocol", logging,
      ],
      swiftSettings: strict),
    .target(
      name: "TunnelClient",
      dependencies: [
        "Transports", "Reactor", "LinuxSystem", "ByteBuffers", "Timekeeping", "StreamMux",
        "StreamCoding", "WireProtocol", "HTTPProtocol", "Configuration", "Diagnostics", logging,
      ],
      swiftSettings: strict),

    .target(
      name: "ClientAdmin",
      dependencies: [
        "TunnelClient", "Dashboard", "Transports", "Reactor", "LinuxSystem", "Timekeeping",
        "HTTPProtocol", "Configuration", logging,
      ],
      swiftSettings: strict),

    // Tier 6: the programs.
    .executableTarget(
      name: "frps",
      dependencies: [
        "RelayServer", "Daemon", "Reactor", "LinuxSystem", "Configuration", "Commands",
        "Diagnostics", logging,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "frpc",
      dependencies: [
        "TunnelClient", "ClientAdmin", "Daemon", "Reactor", "LinuxSystem", "Timekeeping",
        "Configuration", "Commands", "Diagnostics", logging,
      ],
      swiftSettings: strict),

    // Tests, one target a module, and those that need the whole.
    .target(
      name: "TestKit",
      dependencies: ["ByteBuffers", "Timekeeping", "LinuxSystem", "Reactor"],
      path: "Tests/TestKit", swiftSettings: strict),
    .target(
      name: "StormKit",
      dependencies: [
        "RelayServer", "TunnelClient", "Transports", "Reactor", "LinuxSystem", "ByteBuffers",
        "Timekeeping", "StreamMux", "WireProtocol", "StreamCoding", "Configuration", "TestKit",
        logging,
      ],
      path: "Tests/StormKit", swiftSettings: strict),
    .executableTarget(
      name: "relay-storm",
      dependencies: ["StormKit", "Timekeeping", arguments], path: "Tests/RelayStorm",
      swiftSettings: strict),
    .testTarget(
      name: "ByteBuffersTests", dependencies: ["ByteBuffers", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "TimekeepingTests", dependencies: ["Timekeeping", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "DiagnosticsTests", dependencies: ["Diagnostics", "TestKit", "CLinux", logging],
      swiftSettings: strict),
    .testTarget(
      name: "WireProtocolTests", dependencies: ["WireProtocol", "ByteBuffers", "TestKit"],
      exclude: ["Vectors"], swiftSettings: strict),
    .testTarget(
      name: "StreamMuxTests",
      dependencies: ["StreamMux", "ByteBuffers", "Timekeeping", "TestKit"],
      exclude: ["Vectors"], swiftSettings: strict),
    .testTarget(
      name: "StreamCodingTests",
      dependencies: [
        "StreamCoding", "ByteBuffers", "Timekeeping", "TestKit", "COpenSSL", "CSnappy",
      ],
      exclude: ["Vectors"], swiftSettings: strict),
    .testTarget(
      name: "HTTPProtocolTests",
      dependencies: ["HTTPProtocol", "ByteBuffers", "Timekeeping", "TestKit", "COpenSSL"],
      swiftSettings: strict),
    .testTarget(
      name: "HTTP2ProtocolTests",
      dependencies: ["HTTP2Protocol", "HTTPProtocol", "ByteBuffers", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "ConfigurationTests", dependencies: ["Configuration", "Timekeeping", "TestKit"],
      exclude: ["Broken", "Twins"], swiftSettings: strict),
    .testTarget(
      name: "CommandsTests",
      dependencies: ["Commands", "Configuration", "Timekeeping", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "ProxyGraphTests",
      dependencies: ["ProxyGraph", "Timekeeping", "Configuration", "WireProtocol", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "AdmissionTests", dependencies: ["Admission", "Timekeeping", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "LinuxSystemTests", dependencies: ["LinuxSystem", "CLinux", "Timekeeping", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "ReactorTests",
      dependencies: ["Reactor", "LinuxSystem", "ByteBuffers", "Timekeeping", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "TransportsTests",
      dependencies: [
        "Configuration", "Transports", "Reactor", "LinuxSystem", "ByteBuffers", "Timekeeping",
        "StreamMux", "StreamCoding", "WireProtocol", "HTTPProtocol", "TestKit", logging,
      ],
      exclude: ["Vectors"], swiftSettings: strict),
    .testTarget(
      name: "DashboardTests",
      dependencies: [
        "Dashboard", "HTTPProtocol", "Transports", "Reactor", "LinuxSystem", "Timekeeping",
        "TestKit", logging,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ClientAdminTests",
      dependencies: [
        "ClientAdmin", "TunnelClient", "Dashboard", "HTTPProtocol", "Transports", "Reactor",
        "LinuxSystem", "Timekeeping", "Configuration", "TestKit", logging,
      ],
      exclude: ["Golden"], swiftSettings: strict),
    .testTarget(
      name: "HTTPGatewayTests",
      dependencies: [
        "HTTPGateway", "HTTPProtocol", "HTTP2Protocol", "Transports", "Reactor", "LinuxSystem",
        "ByteBuffers",
        "Timekeeping", "TestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "DaemonTests",
      dependencies: [
        "Daemon", "Reactor", "LinuxSystem", "Timekeeping", "Configuration", "Diagnostics",
        "TestKit", logging,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "LoopbackTests",
      dependencies: [
        "frps", "frpc", "RelayServer", "TunnelClient", "Transports", "Reactor", "LinuxSystem",
        "ByteBuffers",
        "Timekeeping", "StreamMux", "WireProtocol", "StreamCoding", "Configuration", "TestKit",
        "ProxyGraph", "HTTPProtocol", logging,
      ],
      exclude: ["Vectors"], swiftSettings: strict),
    .target(
      name: "CSimulation", dependencies: ["COpenSSL"], path: "Tests/CSimulation",
      cSettings: [.treatAllWarnings(as: .error)]),
    .target(
      name: "SimulationKit",
      dependencies: [
        "ByteBuffers", "Timekeeping", "LinuxSystem", "Reactor", "CSimulation",
      ],
      path: "Tests/SimulationKit", swiftSettings: strict),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "SimulationKit", "RelayServer", "TunnelClient", "ProxyGraph", "Transports", "Reactor",
        "LinuxSystem", "ByteBuffers", "Timekeeping", "Configuration", "TestKit", logging,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NamespaceTests",
      dependencies: ["frps", "frpc", "LinuxSystem", "Timekeeping", "TestKit"],
      swiftSettings: strict),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "ByteBuffers", "Timekeeping", "Diagnostics", "WireProtocol", "StreamMux", "StreamCoding",
        "Configuration", "ProxyGraph", "HTTPProtocol", "HTTP2Protocol", "HTTPGateway",
        "LinuxSystem", "Reactor", "Transports", "TestKit",
      ],
      path: "Tests/FuzzTargets", swiftSettings: strict),
    .testTarget(name: "FuzzTargetsTests", dependencies: ["FuzzTargets"], swiftSettings: strict),
    .testTarget(
      name: "ScaleTests", dependencies: ["frps", "frpc", "StormKit", "TestKit", "Timekeeping"],
      swiftSettings: strict),
    .testTarget(name: "TidyTests", dependencies: ["TestKit"], swiftSettings: strict),
  ]
)
