import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

/// One request to the relay on a connection of its own, as commands need it. Plain http only so
/// far: an https relay is `relay-tls`. Throws 69 `relay-unreachable` where no answer comes.
package enum OneShot {
  package static let exchange: RelayAPI.Exchange = { relay, request throws(UserError) in
    let dialer = try Dialer(relay)
    do {
      let loop = MultiThreadedEventLoopGroup.singleton.next()
      return try await dialer.ask(bytes(relay, request), wantsUpgrade: false, on: loop)
        .map { answer in
          switch answer {
          case .message(let status, let body):
            RelayAPI.Answer(status: status, body: Array(body.readableBytesView))
          case .switched: RelayAPI.Answer(status: 101, body: [])
          }
        }.get()
    } catch let fault as DialFault {
      throw fault.userError(relay)
    } catch {
      throw DialFault.broken("\(error)").userError(relay)
    }
  }

  static func bytes(_ relay: RelayAddress, _ request: RelayAPI.Request) -> ByteBuffer {
    var lines = [
      "\(request.method) \(request.path) HTTP/1.1", "Host: \(relay.authority)",
      "Authorization: Bearer \(request.token)", "Accept: application/json",
      "User-Agent: tunnel/\(Release.version)", "Connection: close",
    ]
    if let body = request.body {
      lines += ["Content-Type: application/json", "Content-Length: \(body.count)"]
    }
    var bytes = ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")
    bytes.writeBytes(request.body ?? [])
    return bytes
  }
}

extension Dialer {
  /// Throws 69 `relay-tls` for a relay that this version cannot dial yet.
  init(_ relay: RelayAddress) throws(UserError) {
    guard relay.scheme == .http else {
      throw UserError(
        code: "relay-tls", message: "\(relay): https relays are not in this version yet",
        fix: "use an http:// address of the relay, on this machine or with --plain-http",
        exit: .unavailable)
    }
    self.init(host: relay.dialHost, port: relay.port)
  }
}

extension DialFault {
  func userError(_ relay: RelayAddress) -> UserError {
    if case .broken(let why) = self {
      return UserError(
        code: "relay-answer", message: "\(relay) did not answer as a relay does: \(why)",
        fix: "check the address, and what stands in front of the relay", exit: .unavailable)
    }
    return UserError(
      code: "relay-unreachable", message: "\(relay) cannot be reached: \(words)",
      fix: "check the address, and that the relay runs", exit: .unavailable)
  }

  var words: String {
    switch self {
    case .unreachable(let why): why.lowercased()
    case .timedOut: "no answer in time"
    case .broken(let why): why
    }
  }
}
