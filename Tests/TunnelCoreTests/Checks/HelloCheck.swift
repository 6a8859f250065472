import TunnelCore

/// What a check found wrong: the fuzzer's target (`Fuzz/`) and the replay of its corpus call the
/// same one.
package struct Broken: Error, CustomStringConvertible {
  package let description: String
}

/// A ClientHello is read alike however its bytes come and however records cut it, waits for no more
/// than its limit, and what was read of it, written again, reads the same.
package enum HelloCheck {
  enum Verdict: Equatable {
    case more
    case fault(ClientHelloFault)
    case hello(ClientHello)
  }

  /// The first byte says how the rest is cut.
  package static func run(_ bytes: [UInt8]) throws {
    let message = Array(bytes.dropFirst())
    let step = Int(bytes.first ?? 0) + 1
    let atOnce = read(message, step: max(1, message.count))
    try demand(atOnce == read(message, step: step), "cut into pieces of \(step) it reads else")
    switch atOnce {
    case .more:
      try demand(message.count < ClientHelloReader.limit, "it waits with \(message.count) bytes")
    case .hello(let hello):
      let again = HelloBytes(
        name: hello.serverName?.text, protocols: hello.protocols, versions: hello.versions)
      // A protocol that is no UTF-8 is read as a longer one.
      guard hello.protocols.allSatisfy({ $0.utf8.count < 256 }) else { return }
      let bytes = again.records(of: step)
      guard bytes.count <= ClientHelloReader.limit else { return }
      try demand(read(bytes, step: step) == atOnce, "written again it reads else")
    case .fault: break
    }
  }

  static func read(_ bytes: [UInt8], step: Int) -> Verdict {
    var reader = ClientHelloReader()
    var end = 0
    while end < bytes.count {
      end = min(bytes.count, end + step)
      // In memory of exactly its size, so that a look past its end is found.
      let seen = Array(bytes[..<end])
      do throws(ClientHelloFault) {
        if let hello = try reader.read(seen.span) { return .hello(hello) }
      } catch {
        return .fault(error)
      }
    }
    return .more
  }

  private static func demand(_ holds: Bool, _ what: @autoclosure () -> String) throws(Broken) {
    if !holds { throw Broken(description: what()) }
  }
}
