import HTTPMessage
import NIOCore
import SessionLink
import SettingsFile
import TunnelCore

/// limits.md, "Public side of the relay" and "Agent link": what `limits:` in relay.yml may change.
struct IngressLimits {
  /// TLS, from accept.
  var handshake = TimeAmount.seconds(10)
  var firstHead = TimeAmount.seconds(10)
  var laterHead = TimeAmount.seconds(10)
  var idle = TimeAmount.seconds(75)
  /// Between two bytes of a body, while there is room for them and no answer yet.
  var body = TimeAmount.seconds(30)
  /// Between two bytes that a client takes, while some wait.
  var clientWrite = TimeAmount.seconds(60)
  /// The same on a link.
  var linkWrite = WriteWatch.ofLink
  /// From an agent's connect head to its answer.
  var login = TimeAmount.seconds(5)
  /// Of an address, in a minute.
  var failedLogins = 10
  var connections = 20_000
  var connectionsPerAddress = 4_000
  /// Of an HTTP/2 connection: streams open at once; bytes of a head, 32 counted for each field.
  var clientStreams = 100
  var headerList = 32 << 10
  /// Frames of one head behind its first.
  var continuations = 5
  /// Resets, stream errors, and PING, SETTINGS and PRIORITY, each in 30 s.
  var controlFrames = 200
  /// Frames that bring nothing, in 10 s.
  var idleFrames = 2_000
  /// For an agent that was sent away by the relay's own end.
  var agentWait = TimeAmount.nanoseconds(AwaitedAgent.patience.nanoseconds)
  /// What runs when the relay ends, or hands over.
  var drain = TimeAmount.seconds(30)
  /// Open at once in a session, opened by the relay.
  var streams = 4_096
  /// Of a request's head, chunk lines and trailers. What answers may have is fixed.
  var heads = HeadLimits()
}

extension IngressLimits {
  init(_ node: SettingsNode) throws(UserError) {
    try node.refuseUnknown([
      "tls_handshake_timeout_ms", "header_read_timeout_ms", "keep_alive_timeout_ms",
      "body_read_timeout_ms", "client_write_timeout_ms", "link_write_timeout_ms",
      "login_timeout_ms", "failed_logins_per_min", "connections", "connections_per_address",
      "streams_per_session", "agent_wait_ms", "drain_ms", "http2_streams",
      "http2_header_list_bytes", "http2_continuations", "http2_control_frames_per_30s",
      "http2_idle_frames_per_10s", "request_line_bytes", "header_field_bytes", "header_bytes",
      "header_fields", "chunk_line_bytes", "trailer_bytes",
    ])
    try Self.time("tls_handshake_timeout_ms", node, &handshake)
    try Self.time("header_read_timeout_ms", node, &firstHead)
    laterHead = firstHead
    try Self.time("keep_alive_timeout_ms", node, &idle)
    try Self.time("body_read_timeout_ms", node, &body)
    try Self.time("client_write_timeout_ms", node, &clientWrite)
    try Self.time("link_write_timeout_ms", node, &linkWrite)
    try Self.time("login_timeout_ms", node, &login)
    try Self.time("agent_wait_ms", node, &agentWait)
    try Self.time("drain_ms", node, &drain)
    try Self.number("failed_logins_per_min", node, 1...1_000_000, &failedLogins)
    try Self.number("connections", node, 1...1_000_000, &connections)
    try Self.number("connections_per_address", node, 1...1_000_000, &connectionsPerAddress)
    try Self.number("http2_streams", node, 1...10_000, &clientStreams)
    try Self.number("http2_header_list_bytes", node, 1_024...(1 << 20), &headerList)
    try Self.number("http2_continuations", node, 0...1_000, &continuations)
    try Self.number("http2_control_frames_per_30s", node, 1...1_000_000, &controlFrames)
    try Self.number("http2_idle_frames_per_10s", node, 10...1_000_000, &idleFrames)
    try Self.number("streams_per_session", node, 1...streams, &streams)
    try readHeads(node)
  }

  private mutating func readHeads(_ node: SettingsNode) throws(UserError) {
    let most = HeadLimits.largest
    try Self.number("request_line_bytes", node, 32...most.line, &heads.line)
    try Self.number("header_field_bytes", node, 32...most.field, &heads.field)
    try Self.number("header_bytes", node, 32...most.fields, &heads.fields)
    try Self.number("header_fields", node, 1...most.count, &heads.count)
    try Self.number("chunk_line_bytes", node, 16...most.chunkLine, &heads.chunkLine)
    try Self.number("trailer_bytes", node, 2...most.trailers, &heads.trailers)
  }

  private static func time(
    _ key: String, _ node: SettingsNode, _ limit: inout TimeAmount
  ) throws(UserError) {
    if let number = try node.int(key, in: 1...86_400_000) { limit = .milliseconds(Int64(number)) }
  }

  private static func number(
    _ key: String, _ node: SettingsNode, _ range: ClosedRange<Int>, _ limit: inout Int
  ) throws(UserError) {
    if let number = try node.int(key, in: range) { limit = number }
  }
}
