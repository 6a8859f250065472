import HTTPMessage
import Multiplexer
import NIOCore
import SessionLink
import TunnelCore

/// One public connection: reads requests one after the other, asks `Directions` where each goes,
/// and joins it with the pipe that leads there. Pipelined requests wait for their turn unread.
final class IngressConnection: SocketUser, PublicConnection {
  /// Bodies up to this size go with the head in one write.
  static let copied = 4_096
  /// How long, and how much, a client may go on saying what nobody reads, before the connection is
  /// closed: enough for the largest webhook there is (GitHub's 25 MB).
  static let lingerTime = TimeAmount.seconds(10)
  /// The same where a relay that ends waits for it.
  static let lastLingerTime = TimeAmount.seconds(1)
  static let lingerBytes = 32 << 20

  let relay: RelayCore
  let socket: JoinedSocket
  let peer: ClientAddress
  var reader: RequestReader
  /// Of the exchange in hand; its memory serves the next one.
  var answers = ResponseReader()
  var exchange: Exchange?
  /// The deadline of the head that is being read is set.
  var headHasBegun = true
  var requestIsWhole = false
  /// The far side takes no more of this request's body; the rest of it is thrown away.
  var discardsBody = false
  var isPaused = false
  /// The client waits for the app's 100 before it says the body.
  var awaitsContinue = false
  private var isStepping = false
  var isWaiting = false
  /// What waits for an agent.
  var waiting: WaitingRequest?
  var lingers = false
  var lingered = 0
  var rawEnds = (client: false, far: false)
  /// No request has begun yet.
  var isFresh = true
  let deadline = LazyDeadline()
  var willClose = false

  init(_ relay: RelayCore, _ socket: JoinedSocket, peer: ClientAddress) {
    self.relay = relay
    self.socket = socket
    self.peer = peer
    reader = RequestReader(limits: relay.limits.heads)
    // Nobody else holds the deadline, so it never outlives its connection. (`weak` anywhere makes
    // every retain of the connection slow.)
    deadline.met = { [unowned self] in deadlineMet() }
    socket.attach(self)
    expectHead(in: relay.limits.firstHead)
  }

  // MARK: - Bytes of the client

  func socketRead(_ socket: JoinedSocket) {
    if isStepping || isWaiting { return gate() }
    if lingers { return linger() }
    if let exchange, exchange.isRaw { return passRaw(exchange) }
    isStepping = true
    do {
      while try step() {}
    } catch {
      refuseMessage(error)
    }
    isStepping = false
    gate()
  }

  /// One thing at a time; false when there is nothing to do now.
  private func step() throws(MessageFault) -> Bool {
    guard !lingers, !isWaiting, socket.isOpen else { return false }
    if let exchange {
      if exchange.isRaw || requestIsWhole || isPaused { return false }
      return try stepBody(exchange)
    }
    if socket.unread.readableBytes == 0 {
      if socket.hasEnded { closeGently() }
      return false
    }
    if socket.mustWait() { return false }
    var bytes = socket.takeUnread()
    switch try nextHead(&bytes) {
    case .head(let length):
      deadline.clear()
      headHasBegun = false
      try begin(length, of: &bytes)
      return true
    default:
      socket.unread = bytes
      if socket.hasEnded {
        closeGently()
      } else if !headHasBegun {
        expectHead(in: relay.limits.laterHead)
      }
      return false
    }
  }

  /// What is no head stays where it was: it may be the beginning of HTTP/2.
  private func nextHead(_ bytes: inout ByteBuffer) throws(MessageFault) -> RequestReader.Step {
    do throws(MessageFault) { return try reader.next(in: bytes) } catch {
      swap(&bytes, &socket.unread)
      throw error
    }
  }

  private func stepBody(_ exchange: Exchange) throws(MessageFault) -> Bool {
    var unread = socket.takeUnread()
    let (bytes, whole) = try takeBody(&unread)
    socket.unread = unread
    guard bytes.readableBytes > 0 || whole else {
      if socket.hasEnded { clientLeft(exchange) }
      return false
    }
    requestIsWhole = whole
    awaitsContinue = false
    awaitBody()
    exchange.record.bytesIn += UInt64(bytes.readableBytes)
    if !discardsBody { forward(exchange, bytes, whole: whole) }
    return true
  }

  /// All that is there of the body, and whether the message ends with it.
  private func takeBody(_ bytes: inout ByteBuffer) throws(MessageFault)
    -> (ByteBuffer, whole: Bool)
  {
    var step = try reader.next(in: bytes)
    guard case .body = step else { return (ByteBuffer(), step == .end) }
    let all = bytes
    while case .body(let count) = step {
      bytes.moveReaderIndex(forwardBy: count)
      step = try reader.next(in: bytes)
    }
    return (all.before(bytes), step == .end)
  }

  private func forward(_ exchange: Exchange, _ bytes: ByteBuffer, whole: Bool) {
    guard let pipe = exchange.pipe else { return }
    let end = whole && !exchange.keepsPipeOpen
    if bytes.readableBytes == 0, !end { return }
    if !pipe.send(bytes, end: end), !end { isPaused = true }
  }

  // MARK: - A request begins

  private func begin(_ length: Int, of unread: inout ByteBuffer) throws(MessageFault) {
    isFresh = false
    requestIsWhole = false
    discardsBody = false
    willClose = reader.head.closes || relay.isDraining
    let source = unread
    unread.moveReaderIndex(forwardBy: length)
    let (body, whole) = try takeBody(&unread)
    socket.unread = unread
    requestIsWhole = whole
    let request = IngressRequest(
      head: reader.head, bytes: source, peer: peer, receivedAt: WallClock.milliseconds())
    let exchange = Exchange(
      self, request.head.context,
      record: request.record(id: relay.newID(at: request.receivedAt), at: .now))
    exchange.record.bytesIn = UInt64(body.readableBytes)
    self.exchange = exchange
    direct(exchange, request, body, at: exchange.record.began)
  }

  func direct(
    _ exchange: Exchange, _ request: IngressRequest, _ body: ByteBuffer, at now: Moment
  ) {
    do {
      switch try Directions.find(request, for: exchange, relay) {
      case .connect: return login(request)
      case .relay: exchange.begin(relay.openLocal(exchange))
      case .session(let endpoint, let link): try open(exchange, request, endpoint, link, at: now)
      case .awaited(let endpoint): return wait(exchange, request, body, for: endpoint)
      case .unproved(let proof): return prove(exchange, request, body, proof)
      }
    } catch {
      return exchangeRefused(exchange, Problem(error))
    }
    sendFirst(exchange, request, body)
    if !requestIsWhole {
      awaitsContinue = request.head.expectsContinue && body.readableBytes == 0
      awaitBody()
    }
  }

  private func open(
    _ exchange: Exchange, _ request: IngressRequest, _ endpoint: Endpoint, _ link: Link,
    at now: Moment
  ) throws(Refusal) {
    var open = Open(
      endpoint: endpoint.id.wire, epoch: endpoint.epoch.number, kind: .http,
      exchange: exchange.record.id.wire, client: exchange.record.client,
      secure: peer.isSecure(request),
      host: endpoint.host.text, receivedAt: request.receivedAt)
    open.class = .live
    guard let port = link.open(open, end: exchange, at: now) else {
      throw link.isLeaving
        ? Directions.offline(endpoint.host)
        : Refusal(.overloaded, "Too many requests are open on this tunnel.")
    }
    exchange.begin(port)
  }

  /// The edited head, with the body behind it when that is small.
  private func sendFirst(_ exchange: Exchange, _ request: IngressRequest, _ body: ByteBuffer) {
    let forwarded = peer.forwarded
    let edits = exchange.gate?.requestEdits
    let bound = RequestEdit.bound(
      request.head, request.bytes.readableBytesUInt8Span, forwarded, edits)
    let together = body.readableBytes <= Self.copied
    var out = socket.buffer(capacity: bound + (together ? body.readableBytes : 0))
    out.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
      RequestEdit.write(
        request.head, request.bytes.readableBytesUInt8Span, forwarded, edits, into: target)
    }
    if together {
      out.writeImmutableBuffer(body)
      forward(exchange, out, whole: requestIsWhole)
    } else {
      forward(exchange, out, whole: false)
      forward(exchange, body, whole: requestIsWhole)
    }
    socket.giveBack(out)
  }
}
