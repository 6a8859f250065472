import NIOCore
import Testing

@testable import Multiplexer

@Suite("Frames and fields") struct FieldTests {
  @Test("HELLO says all that it was told")
  func hello() throws {
    var hello = Hello.sample("ann@macbook", 17)
    hello.versions = 1...3
    hello.capabilities = 0xf00
    hello.linkIndex = 3
    hello.relays = ["a.example", "b.example"]
    hello.software = "tunnel 0.1.0"
    var session = Session(role: .relay, hello: hello)
    var other = Session.agent()
    #expect(try other.take(session.output()) == [.hello(hello)])
  }

  @Test("OPEN says all that it was told")
  func open() throws {
    var pair = try Pair()
    var open = Open.heldSample
    open.kind = .delivery
    open.class = .bulk
    open.deadline = 99
    open.secure = false
    guard pair.relay.open(open) != nil else { throw Missing(what: "room") }
    guard case .opened(_, let heard) = try pair.settle().agent.first
    else { throw Missing(what: "the OPEN") }
    #expect(heard == open)
  }

  static let controls: [Control] = {
    let id = WireID(high: 1, low: 2)
    var full = Serve(request: 9, wish: .label("brave-otter"))
    full.heldEpoch = 4
    full.manner = 3
    full.project = "newtube"
    full.policies = ["allow 10.0.0.0/8", "request-add X-Env: dev", ""]
    return [
      .serve(Serve(request: 1, wish: .first)),
      .serve(Serve(request: 2, wish: .domain("mine.example"))),
      .serve(full),
      .serve(Serve(request: 3, wish: .tcp(port: nil, label: "localhost:5432", host: ""))),
      .serve(Serve(request: 4, wish: .tcp(port: 20_007, label: "db", host: "tunnel.example"))),
      .serving(request: 1, endpoint: id, epoch: 2, url: "https://a.example", claimed: true),
      .serving(request: 1, endpoint: id, epoch: 2, url: "https://a.example", claimed: false),
      .refused(request: 1, code: "domain-taken", message: "of another account", fix: "claim"),
      .stop(endpoint: id),
      .replaced(endpoint: id, epoch: 3, owner: "ann@macbook", since: 4),
      .standby(endpoint: id, epoch: 3, owner: "ann@macbook", since: 4),
      .notice(code: "kept", text: "Grüße — 3 kept"),
    ]
  }()

  @Test("each CONTROL says all that it was told", arguments: controls)
  func control(_ control: Control) throws {
    var pair = try Pair()
    pair.agent.send(control)
    #expect(try pair.settle().relay == [.control(control)])
  }

  @Test("a CONTROL or HELLO full of a person's long words is cut, and the session lives")
  func longTexts() throws {
    let long = String(repeating: "ä", count: 9_000)
    var hello = Hello.sample(long)
    hello.relays = Array(repeating: long, count: 40)
    hello.software = long
    var relay = Session(role: .relay, hello: hello)
    relay.send(.refused(request: 1, code: long, message: long, fix: long))
    var agent = Session.agent()
    #expect(try agent.take(relay.output()).count == 2)
  }

  @Test("unknown frames of the ignorable kind and unknown odd fields are passed over")
  func ignorable() throws {
    var agent = Session.agent()
    let odd = Wire.fields((1, [1, 2]), (0xffff, []), (0x7fff, Array(repeating: 0, count: 900)))
    var open = Wire.open(1)
    open.setInteger(UInt32(open.readableBytes - 14 + odd.readableBytes), at: 2)
    open.writeImmutableBuffer(odd)
    var stop = Wire.fields((0, [0, 1]), (2, [2]))
    stop.writeImmutableBuffer(odd)
    var notice = ByteBuffer(integer: UInt16(4_001))
    notice.writeImmutableBuffer(odd)
    let events = try agent.take(
      Wire.hello, Wire.frame(0x40, flags: 0xff, stream: 77, .zeros(65_536)), Wire.frame(0x7f),
      open, Wire.frame(.stop, stream: 1, stop), Wire.frame(.control, notice))
    #expect(events.count == 3)
    guard case .stopped(_, let farewell) = events.last else { throw Missing(what: "the STOP") }
    #expect(farewell == Farewell(.cancelled, blame: .client))
  }

  @Test("codes that a newer peer may know are read as the mildest")
  func newerCodes() throws {
    var agent = Session.agent()
    let reset = Wire.fields((0, [0xff, 0xff]), (2, [3]))
    let away = Wire.fields((0, [0xff, 0xff]), (2, [0, 0, 0, 0, 0, 0, 0, 0]))
    let events = try agent.take(
      Wire.hello, Wire.open(1), Wire.frame(.reset, stream: 1, reset), Wire.frame(.goAway, away))
    guard case .reset(_, let farewell) = events[2] else { throw Missing(what: "the RESET") }
    #expect(farewell == Farewell(.cancelled, blame: .upstream))
    #expect(events.last == .goAway(GoAway(.stop, "")))
  }

  @Test("bytes that are no UTF-8 become U+FFFD in a text")
  func badText() throws {
    var agent = Session.agent()
    var notice = ByteBuffer(integer: UInt16(11))
    notice.writeImmutableBuffer(Wire.fields((0, [0x61]), (2, [0xc3, 0x28])))
    #expect(
      try agent.take(Wire.hello, Wire.frame(.control, notice)).last
        == .control(.notice(code: "a", text: "\u{fffd}(")))
  }

  @Test("a session cut into single bytes means the same")
  func singleBytes() throws {
    var bytes = Wire.hello
    for frame in [Wire.open(1), Wire.data(1, 20), Wire.data(1, 0, end: true)] {
      bytes.writeImmutableBuffer(frame)
    }
    var agent = Session.agent()
    var events: [Session.Event] = []
    for byte in bytes.readableBytesView { events += try agent.take(ByteBuffer(bytes: [byte])) }
    #expect(events.bytes == 20)
    #expect(events.signals.count == 2)
    guard case .data(_, _, end: true) = events.last else { throw Missing(what: "the end") }
  }
}
