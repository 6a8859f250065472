import Multiplexer
import SessionLink
import TunnelCore

extension Refusal {
  /// What the agent said at the stream's end, as an answer for the public side.
  init(_ farewell: Farewell) {
    let code = RefusalCode(farewell.code)
    switch code {
    case .upstreamRefused:
      self.init(code, "The tunnel is up, but the app is not: \(farewell.text).")
    case .upstreamTimeout, .upstreamInvalid:
      self.init(code, "The app gave no usable answer: \(farewell.text).")
    case .agentOffline: self.init(code, "This agent no longer serves the domain.")
    default: self.init(code, "The agent ended the exchange. \(farewell.text)")
    }
  }
}
