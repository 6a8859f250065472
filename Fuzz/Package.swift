// swift-tools-version: 6.2
import PackageDescription

// The fuzzer and what else is never shipped. Its sources are links into the project, so that the
// checks which its targets run stand once: the tests run the same ones on the kept corpus.

let sanitizers = "-sanitize=fuzzer,address"
let fuzzed: [SwiftSetting] =
  Context.environment["TUNNEL_FUZZ"] == nil
  ? [] : [.unsafeFlags([sanitizers, "-enable-testing"])]
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.2")],
  targets: [
    .target(name: "HTTPMessage", swiftSettings: fuzzed),
    .target(name: "Multiplexer", dependencies: [nio], swiftSettings: fuzzed),
    .target(name: "TunnelCore", swiftSettings: fuzzed),
    .target(name: "HTTPMessageChecks", dependencies: ["HTTPMessage"], swiftSettings: fuzzed),
    .target(name: "MultiplexerChecks", dependencies: ["Multiplexer", nio], swiftSettings: fuzzed),
    .target(name: "TunnelCoreChecks", dependencies: ["TunnelCore"], swiftSettings: fuzzed),
    .executableTarget(
      name: "fuzz", dependencies: ["HTTPMessageChecks", "MultiplexerChecks", "TunnelCoreChecks"],
      swiftSettings: fuzzed,
      // The gold linker that is the default cannot link the sanitizers' runtime.
      linkerSettings: [.unsafeFlags([sanitizers, "-use-ld=lld"])]),
    .executableTarget(
      name: "verdicts",
      dependencies: [
        "HTTPMessage", nio,
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
