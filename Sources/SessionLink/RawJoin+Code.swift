import Multiplexer
import TunnelCore

extension RawJoin {
  /// Why it did not come to its end, in the word of both sides' logs; nil: it did, or lives.
  package var code: String? {
    switch end {
    case nil, .whole: nil
    case .broke: blame.gone
    case .lost: RefusalCode.sessionLost.rawValue
    case .refused(let farewell):
      switch farewell.code {
      case .done, .cancelled: farewell.blame.gone
      default: RefusalCode(farewell.code).rawValue
      }
    }
  }
}

extension Blame {
  /// Who broke off.
  fileprivate var gone: String {
    switch self {
    case .client: "client-gone"
    case .upstream: "upstream-gone"
    case .relay, .agent: RefusalCode.sessionLost.rawValue
    }
  }
}
