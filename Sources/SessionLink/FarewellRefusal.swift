import HTTPMessage
import Multiplexer
import TunnelCore

extension RefusalCode {
  /// The relay's word for what an agent says at the end of a stream (docs/protocol.md).
  package init(_ code: Farewell.Code) {
    self =
      switch code {
      case .upstreamRefused: .upstreamRefused
      case .upstreamTimeout: .upstreamTimeout
      case .upstreamInvalid, .badMessage: .upstreamInvalid
      case .overloaded: .overloaded
      case .staleEpoch, .unsupported: .agentOffline
      case .done, .cancelled, .kept: .sessionLost
      }
  }
}

extension Refusal {
  /// A head or a body that is no HTTP/1.1.
  package init(_ fault: MessageFault) {
    switch fault {
    case .malformed(let reason): self.init(.badRequest, "Refused: \(reason).")
    case .uriTooLong: self.init(.uriTooLong, "The request line is longer than 8 KiB.")
    case .headerTooLarge:
      self.init(.headerTooLarge, "More than 100 fields, 16 KiB in one or 64 KiB in all.")
    case .truncated: self.init(.badRequest, "The connection ended inside the request.")
    }
  }
}

extension MessageFault {
  /// What was wrong, as half a sentence.
  package var sentence: String {
    switch self {
    case .malformed(let reason): reason.description
    case .uriTooLong: "the request line is too long"
    case .headerTooLarge: "the head is too large"
    case .truncated: "it ended too early"
    }
  }
}
