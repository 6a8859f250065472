import HTTPMessage
import Testing

/// The result of feeding a tracker piece by piece: the bytes that passed, what was left.
struct Tracked: Equatable {
  var passed: [UInt8] = []
  var left: [UInt8] = []
  var ended = false
}

func track(_ framing: BodyFraming, _ pieces: [[UInt8]]) throws(MessageFault) -> Tracked {
  var tracker = BodyTracker(framing)
  var tracked = Tracked()
  for piece in pieces {
    tracked.left += piece
    if tracker.ended { continue }
    let (count, ended) = try tracker.consume(tracked.left.span)
    tracked.passed += tracked.left.prefix(count)
    tracked.left.removeFirst(count)
    tracked.ended = ended
    #expect(ended == tracker.ended)
  }
  return tracked
}

@Suite("A body's end")
struct BodyTrackerTests {
  @Test("is found by length, whatever the cut")
  func length() throws {
    let all = bytes("abcdefNEXT")
    for cut in 0...all.count {
      let tracked = try track(.length(6), pieces(all, at: [cut]))
      #expect(tracked == Tracked(passed: bytes("abcdef"), left: bytes("NEXT"), ended: true))
    }
    #expect(try track(.length(6), [bytes("abc")]).ended == false)
  }

  @Test("is at once where there is no body")
  func none() throws {
    for framing in [BodyFraming.none, .length(0)] {
      var tracker = BodyTracker(framing)
      #expect(tracker.ended)
      #expect(try tracker.consume(bytes("NEXT").span) == (0, true))
      try tracker.finish()
    }
  }

  @Test("is the connection's where nothing else says")
  func untilClose() throws {
    var tracker = BodyTracker(.untilClose)
    #expect(try tracker.consume(bytes("abc").span) == (3, false))
    try tracker.finish()
    #expect(tracker.ended)
  }

  @Test("cannot be the connection's where it was announced")
  func truncated() throws {
    for framing in [BodyFraming.length(4), .chunked] {
      var tracker = BodyTracker(framing)
      _ = try tracker.consume(bytes("0\r\n").span)
      #expect(throws: MessageFault.truncated) { try tracker.finish() }
    }
  }

  static let chunkedBodies = [
    "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "00000003\r\nabc\r\n000\r\n\r\n",
    "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "1;x=\"y\"\r\na\r\n0;last\r\n\r\n",
    "2\r\n\r\n\r\n0\r\n\r\n", "1; a b\t=c\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n",
  ]

  @Test("of chunks is found wherever they are cut in three", arguments: chunkedBodies)
  func chunked(_ body: String) throws {
    let all = bytes(body + "NEXT")
    let wanted = Tracked(passed: bytes(body), left: bytes("NEXT"), ended: true)
    for first in 0...all.count {
      for second in first...all.count {
        #expect(try track(.chunked, pieces(all, at: [first, second])) == wanted)
      }
    }
    #expect(try track(.chunked, all.map { [$0] }) == wanted)
  }

  @Test("of chunks is not passed before its frame is known to be good")
  func heldBack() throws {
    var tracker = BodyTracker(.chunked)
    #expect(try tracker.consume(bytes("3\r").span) == (0, false))
    #expect(try tracker.consume(bytes("3\r\nab").span) == (5, false))
    #expect(try tracker.consume(bytes("c\r").span) == (1, false))
    #expect(try tracker.consume(bytes("\r\n0\r\nContent-Le").span) == (5, false))
    #expect(throws: MessageFault.malformed(.trailer)) {
      try tracker.consume(bytes("Content-Length: 3\r\n").span)
    }
  }

  static let badChunks: [(String, Reason)] = [
    ("\r\n", .chunkSize), ("x\r\n", .chunkSize), ("+3\r\n", .chunkSize), ("-1\r\n", .chunkSize),
    (" 3\r\n", .chunkSize), ("3 \r\n", .chunkSize), ("3 ;a\r\n", .chunkSize),
    ("0x3\r\n", .chunkSize), ("3\nabc", .chunkSize), ("00000000000000003\r\n", .chunkSize),
    ("4000000000000000\r\n", .chunkSize), ("ffffffffffffffff\r\n", .chunkSize),
    ("3g\r\n", .chunkSize), (";a\r\n", .chunkSize),
    ("3\rabc", .chunkLine), ("3;a\nb\r\n", .chunkLine), ("3;a\rb", .chunkLine),
    ("3;\u{7f}\r\n", .chunkLine), ("3;\u{e9}\r\n", .chunkLine), ("3;\0\r\n", .chunkLine),
    ("3\r\nabcd", .chunkEnd), ("3\r\nabc\n", .chunkEnd), ("3\r\nabc\rX", .chunkEnd),
    ("0\r\n\rX", .lineEnd), ("0\r\nX: y\n", .lineEnd), ("0\r\n X: y\r\n", .folded),
    ("0\r\nX : y\r\n", .fieldNameSpace), ("0\r\nTransfer_Encoding: y\r\n", .fieldAlias),
    ("0\r\nContent-Length: 1\r\n", .trailer), ("0\r\nTransfer-Encoding: chunked\r\n", .trailer),
    ("0\r\nHost: a\r\n", .trailer), ("0\r\nConnection: close\r\n", .trailer),
    ("0\r\nTE: a\r\n", .trailer), ("0\r\nTrailer: a\r\n", .trailer),
    ("0\r\nUpgrade: a\r\n", .trailer), ("0\r\nX-Forwarded-For: a\r\n", .trailer),
    ("0\r\nTunnel-Error: a\r\n", .trailer), ("0\r\nExpect: a\r\n", .trailer),
    ("0\r\nKeep-Alive: a\r\n", .trailer), ("0\r\nProxy-Authorization: a\r\n", .trailer),
  ]

  @Test("of chunks is refused, whole and in single bytes", arguments: badChunks)
  func badChunk(_ body: String, _ reason: Reason) {
    #expect(throws: MessageFault.malformed(reason)) { try track(.chunked, [bytes(body)]) }
    #expect(throws: MessageFault.malformed(reason)) {
      try track(.chunked, bytes(body).map { [$0] })
    }
  }

  @Test("of chunks may be as far as 2^62 bytes less one")
  func huge() throws {
    var tracker = BodyTracker(.chunked)
    #expect(try tracker.consume(bytes("3fffffffffffffff\r\nabc").span) == (21, false))
  }

  @Test("of random chunks in random pieces is where a plain reading finds it")
  func random() throws {
    var random = Seeded(state: 1)
    for _ in 0..<300 {
      var body: [UInt8] = []
      var data: [UInt8] = []
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let size = Int.random(in: 1...40, using: &random)
        let chunk = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        body += bytes(String(size, radix: 16, uppercase: .random(using: &random)) + "\r\n")
        body += chunk + bytes("\r\n")
        data += chunk
      }
      body += bytes("0\r\n\r\n")
      let all = body + bytes("NEXT")
      let count = Int.random(in: 0...8, using: &random)
      let cuts = (0..<count).map { _ in Int.random(in: 0...all.count, using: &random) }.sorted()
      let tracked = try track(.chunked, pieces(all, at: cuts))
      #expect(tracked == Tracked(passed: body, left: bytes("NEXT"), ended: true))
      #expect(plainData(tracked.passed) == data)
    }
  }

  /// The data of a good chunked body, read in the simplest way.
  func plainData(_ body: [UInt8]) -> [UInt8] {
    var rest = body[...]
    var data: [UInt8] = []
    while let end = rest.firstIndex(of: 0x0d) {
      let size = Int(text(rest[..<end]), radix: 16) ?? 0
      if size == 0 { break }
      data += rest[(end + 2)..<(end + 2 + size)]
      rest = rest[(end + 4 + size)...]
    }
    return data
  }
}
