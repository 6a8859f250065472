import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// What ends a run, in the words of product.md section 3.
extension UserError {
  /// The relay knows the way to it better than the agent does.
  static func refused(_ code: String, _ message: String, _ fix: String) -> UserError {
    let exit: ExitCode =
      switch code {
      case "authtoken-refused", "account-disabled": .authentication
      case "agent-too-old": .configuration
      case _ where code.hasPrefix("domain-"): .taken
      default: .other
      }
    return UserError(code: code, message: message, fix: fix.isEmpty ? nil : fix, exit: exit)
  }

  /// The handshake was answered with 401, 403 or 426.
  static func login(_ status: Int, _ problem: Problem?, relay: String) -> UserError {
    switch status {
    case 426:
      UserError(
        code: "agent-too-old", message: "\(relay) speaks another version of the protocol",
        fix: "update tunnel, or the relay", exit: .configuration)
    case 403:
      UserError(
        code: "account-disabled", message: problem?.detail ?? "\(relay) has disabled this account",
        fix: "ask the relay's operator", exit: .authentication)
    default:
      UserError(
        code: "authtoken-refused", message: "\(relay) does not accept this authtoken",
        fix: "`tunnel login \(relay)` with a token of `relay token add` or `relay account add`",
        exit: .authentication)
    }
  }

  static func notARelay(_ relay: String) -> UserError {
    UserError(
      code: "relay-answer", message: "\(relay) answers, but not as a tunnel relay",
      fix: "check the address with `tunnel config show`", exit: .other)
  }

  static func disconnected(_ reason: String) -> UserError {
    UserError(
      code: "disconnected", message: "the relay is gone: \(reason)",
      fix: "leave out --exit-on-disconnect to reconnect instead", exit: .temporary)
  }

  static func revoked(_ text: String) -> UserError {
    UserError(
      code: "authtoken-refused", message: text.isEmpty ? "the authtoken was revoked" : text,
      fix: "`tunnel login` with a new token", exit: .authentication)
  }
}

extension LinkEnd {
  var cause: ReconnectSchedule.Cause {
    switch self {
    case .silent: .heartbeat
    case .closed, .failed, .fault: .closed
    }
  }

  var words: String {
    switch self {
    case .closed: "the relay closed the connection"
    case .failed(let why): why
    case .silent: "the relay went silent"
    case .fault(let fault): fault.description
    }
  }
}

extension DialFault {
  var words: String {
    switch self {
    case .unreachable(let why): why.lowercased()
    case .timedOut: "no answer in time"
    case .broken(let why): why
    }
  }
}

/// What the agent reads of the relay's problem JSON (RFC 9457): the one sentence for people.
struct Problem {
  let detail: String

  init?(_ body: ByteBuffer) {
    let text = String(decoding: body.readableBytesView, as: UTF8.self)
    guard let key = text.range(of: "\"detail\":\"") else { return nil }
    detail = String(text[key.upperBound...].prefix { $0 != "\"" })
  }
}

extension String {
  /// The first place of `other`, without Foundation.
  fileprivate func range(of other: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(other) {
        return start..<index(start, offsetBy: other.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
