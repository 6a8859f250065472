import HTTPMessage

/// One byte a scalar, so that tables can hold 8-bit bytes as `\u{ff}`.
func bytes(_ text: String) -> [UInt8] {
  text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
}

func text(_ bytes: some Sequence<UInt8>) -> String {
  var text = String.UnicodeScalarView()
  for byte in bytes { text.append(Unicode.Scalar(byte)) }
  return String(text)
}

/// A seeded generator (SplitMix64): a walk that failed can be walked again.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// What a reader made of a connection's bytes, however they were cut.
struct Transcript: Equatable {
  struct Message: Equatable {
    var head = ""
    var body = ""
  }

  var interim: [String] = []
  /// Messages that were read to their end.
  var whole: [Message] = []
  var fault: MessageFault?
  /// What was not consumed when it stopped.
  var unread = ""
}

/// Pieces of `all`, cut at `cuts` (ascending).
func pieces(_ all: [UInt8], at cuts: [Int]) -> [[UInt8]] {
  var pieces: [[UInt8]] = []
  var start = 0
  for cut in cuts + [all.count] {
    pieces.append(Array(all[start..<cut]))
    start = cut
  }
  return pieces
}

func readRequests(
  _ pieces: [[UInt8]], limits: HeadLimits = .init(), closed: Bool = false
) -> Transcript {
  var reader = RequestReader(limits: limits)
  var transcript = Transcript()
  var message = Transcript.Message()
  var unread: [UInt8] = []
  do throws(MessageFault) {
    for piece in pieces {
      unread += piece
      reading: while true {
        switch try reader.next(unread.span) {
        case .more: break reading
        case .head(let count):
          message.head = text(unread.prefix(count))
          unread.removeFirst(count)
        case .body(let count):
          message.body += text(unread.prefix(count))
          unread.removeFirst(count)
        case .end:
          transcript.whole.append(message)
          message = Transcript.Message()
          reader.restart()
        }
      }
    }
    if closed { try reader.finish(unread: unread.count) }
  } catch {
    transcript.fault = error
  }
  if transcript.fault == nil { transcript.unread = text(unread) }
  return transcript
}

func readRequests(_ whole: String, limits: HeadLimits = .init()) -> Transcript {
  readRequests([bytes(whole)], limits: limits)
}

/// Each message is the answer to the next of `contexts`.
func readResponses(
  _ pieces: [[UInt8]], to contexts: [RequestContext] = [RequestContext()],
  limits: HeadLimits = .init(), closed: Bool = false
) -> Transcript {
  var reader = ResponseReader(limits: limits)
  var transcript = Transcript()
  var message = Transcript.Message()
  var unread: [UInt8] = []
  var waiting = contexts[...]
  if let first = waiting.popFirst() { reader.expect(first) }
  do throws(MessageFault) {
    for index in 0..<(pieces.count + (closed ? 1 : 0)) {
      if index < pieces.count { unread += pieces[index] }
      if index == pieces.count { try reader.finish(unread: unread.count) }
      reading: while true {
        switch try reader.next(unread.span) {
        case .more: break reading
        case .interim(let count):
          transcript.interim.append(text(unread.prefix(count)))
          unread.removeFirst(count)
        case .head(let count), .switched(let count):
          message.head = text(unread.prefix(count))
          unread.removeFirst(count)
        case .body(let count):
          message.body += text(unread.prefix(count))
          unread.removeFirst(count)
        case .end:
          transcript.whole.append(message)
          message = Transcript.Message()
          if let next = waiting.popFirst() { reader.expect(next) }
        }
      }
    }
  } catch {
    transcript.fault = error
  }
  if transcript.fault == nil { transcript.unread = message.body + text(unread) }
  return transcript
}

func readResponse(
  _ whole: String, to context: RequestContext = .init(), limits: HeadLimits = .init(),
  closed: Bool = false
) -> Transcript {
  readResponses([bytes(whole)], to: [context], limits: limits, closed: closed)
}

func scanRequest(
  _ whole: String, limits: HeadLimits = .init()
) throws(MessageFault) -> RequestHead? {
  var scanner = RequestScanner(limits: limits)
  return try scanner.scan(bytes(whole).span) ? scanner.head : nil
}

func scanResponse(
  _ whole: String, limits: HeadLimits = .init()
) throws(MessageFault) -> ResponseHead? {
  var scanner = ResponseScanner(limits: limits)
  return try scanner.scan(bytes(whole).span) ? scanner.head : nil
}
