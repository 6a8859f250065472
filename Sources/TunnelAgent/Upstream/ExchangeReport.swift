import Multiplexer
import SessionLink
import TunnelCore

/// What the agent tells of one exchange: on the terminal now, in the inspector later.
struct ExchangeReport {
  let id: ID
  /// Wall clock in milliseconds since 1970, by the relay.
  let receivedAt: UInt64
  private let began: Moment
  var method = ""
  var target = ""
  var status = 0
  var reason = ""
  /// Set when the answer is a refusal, not the app's.
  var code: String?
  private(set) var milliseconds: Int64?

  init(_ open: Open, at now: Moment) {
    id = ID(high: open.exchange.high, low: open.exchange.low)
    receivedAt = open.receivedAt
    began = now
  }

  var isUnsettled: Bool { milliseconds == nil }

  mutating func settle(at now: Moment) {
    milliseconds = (now - began).nanoseconds / 1_000_000
  }

  mutating func refused(_ code: Farewell.Code) {
    let refusal = RefusalCode(code)
    self.code = refusal.rawValue
    status = refusal.status
  }
}

extension ExchangeReport {
  /// As the terminal shows it.
  var shown: RequestReport {
    RequestReport(
      id: id, unixMilliseconds: receivedAt, method: Array(method.utf8), path: Array(target.utf8),
      status: status, reason: Array(reason.utf8), milliseconds: UInt64(milliseconds ?? 0),
      code: code)
  }
}
