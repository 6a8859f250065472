// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let posix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "tunnel",
  products: [
    .executable(name: "relay", targets: ["relay"]),
    .executable(name: "tunnel", targets: ["tunnel"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // No sockets, files or clocks.
    .target(name: "TunnelCore", swiftSettings: strict),
    .target(name: "HTTPMessage", swiftSettings: strict),
    .target(name: "Multiplexer", dependencies: [nio], swiftSettings: strict),
    // NIO begins here.
    .target(
      name: "SessionLink",
      dependencies: [
        "TunnelCore", "HTTPMessage", "Multiplexer", nio, posix, tls, crypto, cryptoExtras,
        certificates,
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .target(
      name: "SettingsFile",
      dependencies: ["TunnelCore", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "RelayStore",
      dependencies: [
        "TunnelCore", crypto,
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .target(
      name: "RelayServer",
      dependencies: [
        "SessionLink", "RelayStore", "SettingsFile", logging, tls, crypto,
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .target(
      name: "Inspection",
      dependencies: [
        "TunnelCore", nio, posix, logging,
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
      ],
      swiftSettings: strict),
    .target(
      name: "TunnelAgent",
      dependencies: ["Inspection", "SessionLink", "SettingsFile", logging],
      swiftSettings: strict),
    .executableTarget(
      name: "relay", dependencies: ["RelayServer", logging, arguments], swiftSettings: strict),
    .executableTarget(
      name: "tunnel", dependencies: ["TunnelAgent", arguments], swiftSettings: strict),
    // Many agents in one process, for ./dev show memory.
    .executableTarget(
      name: "crowd", dependencies: ["TunnelAgent"], path: "Tests/Crowd",
      swiftSettings: strict),
    // The lifecycles in virtual time, and many runs of them for ./dev show link.11.
    .target(
      name: "Simulation", dependencies: ["TunnelCore", "Multiplexer", nio],
      path: "Tests/Simulation", swiftSettings: strict),
    .executableTarget(
      name: "simulate", dependencies: ["Simulation"], path: "Tests/Simulate",
      swiftSettings: strict),

    .testTarget(name: "TunnelCoreTests", dependencies: ["TunnelCore"], swiftSettings: strict),
    .testTarget(name: "HTTPMessageTests", dependencies: ["HTTPMessage"], swiftSettings: strict),
    .testTarget(name: "MultiplexerTests", dependencies: ["Multiplexer"], swiftSettings: strict),
    .testTarget(
      name: "SessionLinkTests",
      dependencies: [
        "SessionLink", tls, crypto, certificates,
        .product(name: "NIOEmbedded", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(name: "SettingsFileTests", dependencies: ["SettingsFile"], swiftSettings: strict),
    .testTarget(name: "RelayStoreTests", dependencies: ["RelayStore"], swiftSettings: strict),
    .testTarget(
      name: "RelayServerTests",
      dependencies: [
        "RelayServer", .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "InspectionTests", dependencies: ["Inspection", "SessionLink"], swiftSettings: strict),
    .testTarget(name: "TunnelAgentTests", dependencies: ["TunnelAgent"], swiftSettings: strict),
    .testTarget(
      name: "SimulationTests", dependencies: ["Simulation"], swiftSettings: strict),
    .testTarget(name: "TidyTests", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
