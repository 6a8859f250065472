import NIOCore
import Testing

@testable import Multiplexer

@Suite("Hostile bytes") struct HostileTests {
  struct Offence: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let frames: [ByteBuffer]
    let violation: SessionFault.Violation

    init(
      _ name: String, _ frames: ByteBuffer..., is violation: SessionFault.Violation
    ) {
      testDescription = name
      self.frames = frames
      self.violation = violation
    }
  }

  static func control(_ kind: UInt16, _ fields: ByteBuffer = ByteBuffer()) -> ByteBuffer {
    var payload = ByteBuffer(integer: kind)
    payload.writeImmutableBuffer(fields)
    return Wire.frame(.control, payload)
  }

  static func header(_ type: FrameType, stream: UInt64 = 0, length: UInt32) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeMultipleIntegers(type.rawValue, UInt8(0), length, stream)
    return buffer
  }

  /// Each comes behind HELLO and an OPEN of stream 1.
  static let offences: [Offence] = [
    Offence("an unknown critical frame", Wire.frame(0x00), is: .unknownFrame(0)),
    Offence("a frame with the top bit", Wire.frame(0x80), is: .unknownFrame(0x80)),
    Offence("HELLO twice", Wire.hello, is: .secondHello),
    Offence("too long DATA", header(.data, stream: 1, length: 65_537), is: .tooLong(65_537)),
    Offence("too long fields", header(.control, length: 16_385), is: .tooLong(16_385)),
    Offence("the longest length", header(.goAway, length: .max), is: .tooLong(.max)),
    Offence("a long COMMIT", header(.commit, stream: 1, length: 1), is: .tooLong(1)),
    Offence("a long WINDOW", header(.window, stream: 1, length: 17), is: .tooLong(17)),
    Offence("a short WINDOW", Wire.frame(.window, stream: 1, .zeros(15)), is: .badFields),
    Offence("a short PING", Wire.frame(.ping, .zeros(7)), is: .badFields),
    Offence("a short PONG", Wire.frame(.pong, .zeros(7)), is: .badFields),
    Offence("a PING in a stream", Wire.frame(.ping, stream: 1, .zeros(8)), is: .reservedBits),
    Offence("flags on PING", Wire.frame(.ping, flags: 1, .zeros(8)), is: .reservedBits),
    Offence("flags on DATA", Wire.frame(.data, flags: 2, stream: 1), is: .reservedBits),
    Offence("DATA without bytes", Wire.data(1, 0), is: .emptyData(1)),
    Offence("DATA in no stream", Wire.data(3, 1), is: .foreignStream(3)),
    Offence("DATA in stream 0", Wire.data(0, 1), is: .foreignStream(0)),
    Offence("DATA in a stream of ours", Wire.data(2, 1), is: .foreignStream(2)),
    Offence("STOP in no stream", Wire.frame(.stop, stream: 4), is: .foreignStream(4)),
    Offence("RESET in no stream", Wire.frame(.reset, stream: 5), is: .foreignStream(5)),
    Offence("COMMIT in no stream", Wire.frame(.commit, stream: .max), is: .foreignStream(.max)),
    Offence("WINDOW in stream 0", Wire.window(0, consumed: 0, limit: 0), is: .foreignStream(0)),
    Offence("OPEN twice", Wire.open(1), is: .streamOrder(1)),
    Offence("OPEN backwards", Wire.open(9), Wire.open(7), is: .streamOrder(7)),
    Offence("OPEN of our kind", Wire.open(2), is: .streamOrder(2)),
    Offence("OPEN of stream 0", Wire.open(0), is: .streamOrder(0)),
    Offence(
      "DATA after END", Wire.data(1, 1, end: true), Wire.data(1, 1), is: .dataAfterEnd(1)),
    Offence(
      "RESET after END", Wire.data(1, 1, end: true), Wire.frame(.reset, stream: 1),
      is: .dataAfterEnd(1)),
    Offence("a field cut short", Wire.frame(.goAway, .zeros(3)), is: .badFields),
    Offence(
      "a field past the end", Wire.frame(.goAway, ByteBuffer(bytes: [0, 0, 0, 9, 1])),
      is: .badFields),
    Offence(
      "a field of another width", Wire.frame(.goAway, Wire.fields((0, [1]))), is: .badFields),
    Offence(
      "an unknown critical field", Wire.frame(.goAway, Wire.fields((4, []))),
      is: .unknownField(4)),
    Offence(
      "a blame that nobody has", Wire.frame(.stop, stream: 1, Wire.fields((2, [9]))),
      is: .badFields),
    Offence("CONTROL without a kind", Wire.frame(.control, .zeros(1)), is: .badFields),
    Offence("an unknown critical CONTROL", control(12), is: .unknownControl(12)),
    Offence("a CONTROL without its fields", control(2), is: .badFields),
    Offence(
      "an unknown field in SERVE", control(0, Wire.fields((100, []))), is: .unknownField(100)),
    Offence(
      "a text of 9,000 bytes", control(0, Wire.fields((2, Array(repeating: 1, count: 9_000)))),
      is: .badFields),
    Offence(
      "an unknown kind of stream", Wire.frame(.open, stream: 3, Wire.fields((4, [4]))),
      is: .badFields),
  ]

  @Test("each offence is that one violation", arguments: offences)
  func offence(_ offence: Offence) throws {
    var agent = Session.agent()
    #expect(agent.violation(Wire.hello, Wire.open(1)) == nil)
    var found: SessionFault.Violation?
    for frame in offence.frames where found == nil { found = agent.violation(frame) }
    #expect(found == offence.violation)
  }

  @Test("nothing comes before HELLO, not even a frame that may be skipped")
  func beforeHello() throws {
    for type in [0x02, 0x08, 0x0b, 0x40] as [UInt8] {
      var agent = Session.agent()
      #expect(agent.violation(Wire.frame(type, .zeros(8))) == .helloExpected)
    }
  }

  @Test(
    "HELLO with versions that we do not speak, or that make no sense, ends the session",
    arguments: [
      ([0, 2, 0, 9], SessionFault.Violation.noCommonVersion), ([0, 0, 0, 0], .noCommonVersion),
      ([0, 2, 0, 1], .badFields), ([0, 1], .badFields),
    ] as [([UInt8], SessionFault.Violation)])
  func versions(_ value: [UInt8], _ violation: SessionFault.Violation) throws {
    var agent = Session.agent()
    #expect(agent.violation(Wire.frame(.hello, Wire.fields((0, value)))) == violation)
  }

  @Test("random bytes end in a fault or wait for more, and never in a trap")
  func noise() throws {
    var random = Seeded(7)
    for round in 0..<3_000 {
      var agent = Session.agent()
      if round % 2 == 0 { _ = try agent.take(Wire.hello, Wire.open(1)) }
      let bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in
        // Small numbers are types, keys and lengths that mean something.
        UInt8.random(in: 0...(Bool.random(using: &random) ? 11 : 255), using: &random)
      }
      swallow(&agent, ByteBuffer(bytes: bytes), &random)
    }
  }

  @Test(
    "honest frames that were bent end in a fault or in events, and never in a trap",
    arguments: 0..<8 as Range<UInt64>)
  func bent(_ shard: UInt64) throws {
    for seed in 0..<150 {
      var random = Seeded(shard * 1_000 + UInt64(seed))
      let honest = try Self.conversation(&random)
      for _ in 0..<4 {
        var agent = Session.agent()
        if let slot = try openedByAgent(&agent) { _ = agent.send(slot, .zeros(30_000)) }
        swallow(&agent, Self.bend(honest, &random), &random)
      }
    }
  }

  private func openedByAgent(_ agent: inout Session) throws -> Slot? {
    _ = try agent.take(Wire.hello)
    return agent.open(.sample)
  }

  /// Feeds the bytes in pieces to a session whose driver does all that a driver may do.
  private func swallow(_ agent: inout Session, _ bytes: ByteBuffer, _ random: inout Seeded) {
    var bytes = bytes
    var faults = 0
    while bytes.readableBytes > 0 {
      let most = min(bytes.readableBytes, [3, 40, 100_000].randomElement(using: &random) ?? 3)
      agent.receive(
        bytes.readSlice(length: Int.random(in: 1...most, using: &random)) ?? bytes, at: 0)
      do throws(SessionFault) {
        while let event = try agent.next() { Self.drive(&agent, event, &random) }
      } catch {
        faults += 1
      }
      if Bool.random(using: &random) { _ = agent.output() }
    }
    #expect(faults <= 1)
    #expect(agent.input.storageCapacity <= 1 << 20)
    #expect(agent.receivePool.used <= agent.receivePool.size || faults == 1)
  }

  private static func drive(
    _ agent: inout Session, _ event: Session.Event, _ random: inout Seeded
  ) {
    switch event {
    case .opened(let slot, _): _ = agent.send(slot, .zeros(5_000), end: .random(using: &random))
    case .data(let slot, let bytes, _):
      if Bool.random(using: &random) { agent.credit(slot, bytes.readableBytes) }
    case .stopped(let slot, let farewell), .reset(let slot, let farewell):
      agent.stop(slot, farewell)
      agent.reset(slot, farewell)
    case .commit(let slot): agent.commit(slot)
    case .resumed(let slot): _ = agent.send(slot, .zeros(5_000))
    default: break
    }
  }

  /// What an honest relay might say to an agent, frame by frame.
  private static func conversation(_ random: inout Seeded) throws -> [ByteBuffer] {
    var frames = [Wire.open(1), Wire.open(3, .heldSample)]
    for _ in 0..<Int.random(in: 3...12, using: &random) {
      let id: UInt64 = [1, 3, 2].randomElement(using: &random) ?? 1
      switch Int.random(in: 0..<8, using: &random) {
      case 0: frames.append(Wire.data(1, Int.random(in: 1...3_000, using: &random)))
      case 1: frames.append(Wire.data(3, 10, end: true))
      case 2: frames.append(Wire.window(2, consumed: 10, limit: 70_000))
      case 3: frames.append(Wire.frame(.stop, stream: id, Wire.fields((0, [0, 1]), (2, [0]))))
      case 4: frames.append(Wire.frame(.commit, stream: 3))
      case 5: frames.append(Wire.frame(.ping, .zeros(8)))
      case 6: frames.append(Wire.frame(.reset, stream: 1, Wire.fields((0, [0, 1]), (2, [0]))))
      default:
        var buffer = ByteBuffer()
        FieldTests.controls.randomElement(using: &random)?.write(to: &buffer)
        frames.append(buffer)
      }
    }
    return frames
  }

  /// The same with whole frames and single bytes turned, doubled, dropped and swapped.
  private static func bend(_ frames: [ByteBuffer], _ random: inout Seeded) -> ByteBuffer {
    var frames = frames
    if Bool.random(using: &random) {
      frames.swapAt(
        .random(in: 0..<frames.count, using: &random), .random(in: 0..<frames.count, using: &random)
      )
    }
    if Bool.random(using: &random), let again = frames.randomElement(using: &random) {
      frames.insert(again, at: .random(in: 0...frames.count, using: &random))
    }
    var bytes = frames.flatMap { Array($0.readableBytesView) }
    for _ in 0..<Int.random(in: 0...3, using: &random) where bytes.count > 1 {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 1: bytes.insert(.random(in: 0...255, using: &random), at: place)
      case 2: bytes.remove(at: place)
      default: bytes[place] = 0xff
      }
    }
    return ByteBuffer(bytes: bytes)
  }
}
