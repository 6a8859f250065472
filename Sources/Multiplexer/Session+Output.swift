import struct NIOCore.ByteBuffer

/// How much one stream may put on the link before the next one has its turn, in bytes.
enum Turn {
  static let alone = 65_536
  static let shared = 16_384
  /// Behind a narrow way: what is on the link already is time, not bytes.
  static let short = 4_096
  /// What `send` keeps for a stream before it says "wait".
  static let longest = 65_536
  /// Payloads up to this size are copied behind their header, larger ones go by reference.
  static let copied = 4_096
  /// An outbox of this size goes out before more is put into it.
  static let outbox = 65_536
  /// What may wait for a peer that keeps asking and does not read the answers. An honest one stays
  /// far below: 4,096 streams' OPEN, STOP and RESET, and a WINDOW for each KiB of its credit.
  static let backlog = 4 << 20
}

extension Session {
  /// The next bytes for the link, or nil: control frames first, then the streams in turn.
  /// Call while the link takes more; then call `next()`, for `resumed` may have come up.
  package mutating func nextOutput() -> ByteBuffer? {
    if let payload = overflow {
      overflow = nil
      return payload
    }
    freshenOutbox()
    let most = takesShortTurns ? Turn.short : Turn.outbox
    while overflow == nil, outbox.readableBytes < most,
      let index = nextInTurn()
    {
      giveTurn(index)
    }
    guard outbox.readableBytes > 0 else { return nil }
    outboxIsOut = true
    return outbox
  }

  /// Whether `nextOutput` would have something. May be wrong towards true.
  ///
  /// `mutating` though it changes nothing: a getter of another module is called on a copy of the
  /// whole machine, with all its counts (decision 0003).
  package mutating func hasMoreOutput() -> Bool {
    overflow != nil || !ready.isEmpty || (!starved.isEmpty && sendPool.free > 0)
      || (!outboxIsOut && outbox.readableBytes > 0)
  }

  /// A small piece goes behind what is there already, if nobody waits for a turn. False: it waits.
  mutating func sendNow(_ index: Int, _ bytes: ByteBuffer, end: Bool) -> Bool {
    let count = bytes.readableBytes
    guard count <= Turn.copied, ready.isEmpty, starved.isEmpty, overflow == nil,
      outboxIsOut || outbox.readableBytes < Turn.outbox,
      streams[index].pending.readableBytes == 0,
      count <= streams[index].credit.allowance(sendPool)
    else { return false }
    if count == 0, !end { return true }
    freshenOutbox()
    outbox.writeFrameHeader(
      .data, flags: end ? FrameHeader.endFlag : 0, stream: streams[index].id, length: count)
    if count > 0 {
      streams[index].credit.spend(count, &sendPool)
      outbox.writeImmutableBuffer(bytes)
    }
    if end {
      streams[index].sendEnded = true
      closeIfOver(index)
    }
    return true
  }

  /// Who has the next turn. One that waited for the pool comes back into line with each turn while
  /// there is something in the pool: waking all of them at once would cost as much as there are,
  /// again and again.
  private mutating func nextInTurn() -> Int? {
    if sendPool.free > 0, let index = starved.popFirst() { ready.append(index) }
    return ready.popFirst()
  }

  private mutating func giveTurn(_ index: Int) {
    guard streams[index].isOpen, streams[index].hasSomethingToSend else { return }
    let waiting = streams[index].pending.readableBytes
    if waiting == 0, let farewell = streams[index].breaksOff {
      endSending(index, farewell)
      return closeIfOver(index)
    }
    let allowance = streams[index].credit.allowance(sendPool)
    if waiting > 0, allowance == 0 {
      if streams[index].credit.limit > streams[index].credit.sent {
        starved.append(index)
      }
      return
    }
    let turn = takesShortTurns ? Turn.short : ready.isEmpty ? Turn.alone : Turn.shared
    let count = min(waiting, allowance, turn)
    let ends = streams[index].endIsPending && count == waiting
    outbox.writeFrameHeader(
      .data, flags: ends ? FrameHeader.endFlag : 0, stream: streams[index].id, length: count)
    streams[index].credit.spend(count, &sendPool)
    putPayload(index, count, all: count == waiting)
    if ends {
      streams[index].endIsPending = false
      streams[index].sendEnded = true
      closeIfOver(index)
    } else if streams[index].hasSomethingToSend {
      ready.append(index)
    }
    if streams[index].waits, count == waiting {
      streams[index].waits = false
      if !ends { queued.append(.resumed(slot(index))) }
    }
  }

  private mutating func putPayload(_ index: Int, _ count: Int, all: Bool) {
    if count <= Turn.copied {
      if all {
        outbox.writeImmutableBuffer(streams[index].pending)
      } else if let bytes = streams[index].pending.readSlice(length: count) {
        outbox.writeImmutableBuffer(bytes)
      }
    } else {
      overflow = all ? streams[index].pending : streams[index].pending.readSlice(length: count)
    }
    // A drained buffer is let go at once: kept, it costs a copy at the reader's next write.
    if all { streams[index].pending = ByteBuffer() }
  }

  /// The outbox, ready to be written to. A buffer that was handed out is never changed: if the
  /// link still holds it, `clear` takes a new one, else its memory is used again.
  mutating func freshenOutbox() {
    if outboxIsOut {
      outbox.clear(minimumCapacity: 512)
      outboxIsOut = false
    }
  }
}
