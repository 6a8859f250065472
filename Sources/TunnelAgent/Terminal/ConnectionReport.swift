import TunnelCore

/// What the agent tells of one connection to a TCP endpoint, once it is over.
package struct ConnectionReport: Sendable {
  package let id: ID
  /// When it came, milliseconds since 1970, by the relay.
  package let receivedAt: UInt64
  /// The public peer's address.
  package let client: String
  /// From the client to the app.
  package let bytesIn: UInt64
  package let bytesOut: UInt64
  package let milliseconds: UInt64
  /// Why it did not come to its end on both sides; nil: it did.
  package let code: String?

  /// `10:12:13.388 TCP  203.0.113.9 1.2 KiB in 3.4 KiB out 12ms`.
  func line(colors: Bool) -> String {
    let time = Paint.dim.on(ClockText.local(receivedAt), if: colors)
    let trouble = code.map { Paint.red.on(VisibleText.of($0), if: colors) + " " } ?? ""
    let amounts = "\(Self.amount(bytesIn)) in \(Self.amount(bytesOut)) out"
    return "\(time) TCP  \(VisibleText.of(client)) \(trouble)\(amounts) \(milliseconds)ms"
  }

  var json: JSONText {
    var members: [(key: String, value: JSONText)] = [
      ("event", "connection"), ("id", .string(id.description)),
      ("time", .string(ClockText.utc(receivedAt))), ("client", .string(client)),
      ("bytes_in", JSONText(bytesIn)), ("bytes_out", JSONText(bytesOut)),
      ("ms", JSONText(milliseconds)),
    ]
    if let code { members.append(("code", .string(code))) }
    return .object(members)
  }

  /// `512 B`, `1.2 KiB`, `100.0 MiB`.
  static func amount(_ bytes: UInt64) -> String {
    if bytes < 1_024 { return "\(bytes) B" }
    var tenths = min(bytes, 1 << 60) * 10 / 1_024
    for unit in ["KiB", "MiB", "GiB"] {
      if tenths < 10_240 { return "\(tenths / 10).\(tenths % 10) \(unit)" }
      tenths /= 1_024
    }
    return "\(tenths / 10).\(tenths % 10) TiB"
  }
}
