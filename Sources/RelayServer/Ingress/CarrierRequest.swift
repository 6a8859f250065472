import HTTPMessage
import SessionLink
import TunnelCore

/// Why a handshake offers nothing that this relay takes.
struct CarrierRefusal: Error {
  let problem: Problem

  /// 426: another version may be taken.
  static func version(_ message: String) -> CarrierRefusal {
    CarrierRefusal(problem: Problem(UserError(code: "agent-too-old", message: message)))
  }

  static func malformed(_ message: String) -> CarrierRefusal {
    CarrierRefusal(problem: Problem(Refusal(.badRequest, message)))
  }
}

extension IngressRequest {
  /// The carrier that an agent asks for: the server's side of RFC 6455, section 4.2.1, for the one
  /// that is a WebSocket.
  var carrier: Result<Carrier, CarrierRefusal> {
    let offers = "this relay speaks `Upgrade: \(Handshake.token)` and `Upgrade: websocket`"
    guard head.upgrade else { return .failure(.version(offers)) }
    switch value(.upgrade)?.lowercased() {
    case Handshake.token: return .success(.raw)
    case Handshake.webSocket: break
    default: return .failure(.version(offers))
    }
    guard values(named: "sec-websocket-version") == [Handshake.webSocketVersion] else {
      return .failure(
        .version("this relay speaks version \(Handshake.webSocketVersion) of WebSocket"))
    }
    let protocols = values(named: "sec-websocket-protocol").joined(separator: ",")
      .split { ", \t".contains($0) }
    guard protocols.contains(where: { $0 == Handshake.subprotocol }) else {
      return .failure(
        .malformed("A WebSocket to an agent's address offers `\(Handshake.subprotocol)`."))
    }
    let keys = values(named: "sec-websocket-key")
    guard keys.count == 1, let key = WebSocketKey(keys[0]) else {
      return .failure(.malformed("Sec-WebSocket-Key is not Base64 of 16 bytes."))
    }
    return .success(.webSocket(key))
  }
}
