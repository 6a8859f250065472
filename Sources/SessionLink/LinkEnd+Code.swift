import Multiplexer

extension LinkEnd {
  /// One word for logs.
  package var code: String {
    switch self {
    case .closed: "closed"
    case .failed: "connection-failed"
    case .silent: "silent"
    case .superseded: "superseded"
    case .stalled: "write-stalled"
    case .fault(let fault): fault.goAwayCode == .limit ? "limit" : "protocol-fault"
    }
  }
}
