import struct NIOCore.ByteBuffer

/// The agent's declaration of one endpoint; a new one replaces the old whole.
package struct Serve: Equatable, Sendable {
  package enum Wish: Equatable, Sendable {
    /// A full public name.
    case domain(String)
    /// A label below the relay's base domain; claimed when it is free.
    case label(String)
    /// The account's first domain.
    case first
    /// A TCP port of the relay's: this one, or with nil the one that the account has for the label.
    /// `host` is the name that a person wrote before the port; empty for none.
    case tcp(port: UInt16?, label: String, host: String)
  }

  package var request: UInt32
  package var wish: Wish
  /// The last epoch of the endpoint that this instance held; 0 is none.
  package var heldEpoch: UInt64 = 0
  /// What is done about another agent that has the domain: 0 replace it, 1 wait, 2 give up, 3 take
  /// it whatever the epoch.
  package var manner: UInt8 = 0
  package var project: String = ""
  /// Rules on the endpoint's requests, each in its written form.
  package var policies: [String] = []

  package init(request: UInt32, wish: Wish) {
    self.request = request
    self.wish = wish
  }
}

/// What is said about the session itself, not in a stream. `docs/protocol.md` lists the fields.
package enum Control: Equatable, Sendable {
  case serve(Serve)
  case serving(request: UInt32, endpoint: WireID, epoch: UInt64, url: String, claimed: Bool)
  case refused(request: UInt32, code: String, message: String, fix: String)
  /// The agent leaves this endpoint, and says so: its owner is gone at once.
  case stop(endpoint: WireID)
  /// A newer agent of the same install has the endpoint now.
  case replaced(endpoint: WireID, epoch: UInt64, owner: String, since: UInt64)
  /// An agent of another install has it; this one waits.
  case standby(endpoint: WireID, epoch: UInt64, owner: String, since: UInt64)
  case notice(code: String, text: String)

  private var kind: UInt16 {
    switch self {
    case .serve: 0
    case .serving: 2
    case .refused: 4
    case .stop: 6
    case .replaced: 8
    case .standby: 10
    case .notice: 11
    }
  }

  func write(to buffer: inout ByteBuffer) {
    buffer.writeFrame(.control) { body in
      body.writeInteger(kind)
      switch self {
      case .serve(let serve): serve.write(to: &body)
      case .serving(let request, let endpoint, let epoch, let url, let claimed):
        body.writeField(0, integer: request)
        body.writeField(2, id: endpoint)
        body.writeField(4, integer: epoch)
        body.writeField(6, text: url)
        if claimed { body.writeField(7) }
      case .refused(let request, let code, let message, let fix):
        body.writeField(0, integer: request)
        body.writeField(2, text: code)
        body.writeField(4, text: message)
        body.writeField(6, text: fix)
      case .stop(let endpoint): body.writeField(0, id: endpoint)
      case .replaced(let endpoint, let epoch, let owner, let since),
        .standby(let endpoint, let epoch, let owner, let since):
        body.writeField(0, id: endpoint)
        body.writeField(2, integer: epoch)
        body.writeField(4, text: owner)
        body.writeField(6, integer: since)
      case .notice(let code, let text):
        body.writeField(0, text: code)
        body.writeField(2, text: text)
      }
    }
  }

  /// Reads a control message; nil is one that this side does not know and need not.
  static func read(_ payload: ByteBuffer) throws(SessionFault) -> Control? {
    var payload = payload
    guard let kind = payload.readInteger(as: UInt16.self) else { throw .peer(.badFields) }
    switch kind {
    case 0: return .serve(try Serve(payload))
    case 2:
      let values = try ControlFields(payload, last: 6)
      return .serving(
        request: try values.integer(0), endpoint: try values.id(2),
        epoch: try values.integer(4), url: try values.text(6), claimed: values.has(7))
    case 4:
      let values = try ControlFields(payload, last: 6)
      return .refused(
        request: try values.integer(0), code: try values.text(2),
        message: try values.text(4), fix: try values.text(6))
    case 6: return .stop(endpoint: try ControlFields(payload, last: 0).id(0))
    case 8, 10:
      let values = try ControlFields(payload, last: 6)
      let endpoint = try values.id(0)
      let epoch: UInt64 = try values.integer(2)
      let owner = try values.text(4)
      let since: UInt64 = try values.integer(6)
      return kind == 8
        ? .replaced(endpoint: endpoint, epoch: epoch, owner: owner, since: since)
        : .standby(endpoint: endpoint, epoch: epoch, owner: owner, since: since)
    case 11:
      let values = try ControlFields(payload, last: 2)
      return .notice(code: try values.text(0), text: try values.text(2))
    default:
      if kind & 1 == 0 { throw .peer(.unknownControl(kind)) }
      return nil
    }
  }
}
