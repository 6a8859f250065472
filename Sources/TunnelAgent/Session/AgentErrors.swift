import SessionLink
import TunnelCore

/// What ends a run, in the words of product.md section 3.
extension UserError {
  /// The relay said no to a domain; it knows the way out better than the agent does.
  static func refused(_ code: String, _ message: String, _ fix: String) -> UserError {
    let known = ErrorCatalogue.entry(code)?.exit.flatMap(ExitCode.init)
    return UserError(
      code: code, message: message, fix: fix.isEmpty ? nil : fix,
      exit: known ?? (code.hasPrefix("domain-") ? .taken : .other))
  }

  /// An older relay.
  static func tcpUnknown(_ relay: RelayAddress) -> UserError {
    UserError(
      code: "tcp-not-offered", message: "\(relay) knows no TCP endpoints",
      fix: "ask its operator for a newer version")
  }

  static func revoked(_ text: String, _ relay: RelayAddress) -> UserError {
    UserError(
      code: "authtoken-refused", message: "\(relay) ended the session: \(text)",
      fix: "`tunnel login \(relay)` with a new authtoken", exit: .authentication)
  }
}

extension LinkEnd {
  var cause: ReconnectSchedule.Cause {
    switch self {
    case .silent, .stalled: .heartbeat
    case .closed, .superseded, .failed, .fault: .closed
    }
  }

  var words: String {
    switch self {
    case .closed, .superseded: "the relay closed the connection"
    case .failed(let why): why
    case .silent: "the relay went silent"
    case .stalled: "the relay took nothing of what was sent"
    case .fault(let fault): fault.description
    }
  }
}
