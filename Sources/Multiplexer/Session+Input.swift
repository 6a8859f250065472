import struct NIOCore.ByteBuffer

/// A DATA frame of which only a part has come; its bytes are passed on as they come.
struct PartialData {
  let id: UInt64
  var rest: Int
  let end: Bool
}

extension Session {
  /// Takes what the link read at `now`, in nanoseconds of a clock that never goes back.
  package mutating func receive(_ bytes: ByteBuffer, at now: UInt64) {
    if failed { return }
    rates.now = now
    if input.readableBytes == 0 {
      input = bytes
    } else {
      // Of a link that never stops between two frames nothing may pile up.
      input.discardReadBytes()
      input.writeImmutableBuffer(bytes)
    }
  }

  /// The next event, nil when more bytes are needed. After a fault there are none.
  package mutating func next() throws(SessionFault) -> Event? {
    if let event = takeQueued() { return event }
    guard !failed else { return nil }
    do throws(SessionFault) {
      while true {
        if !outboxIsOut, outbox.readableBytes >= Turn.backlog {
          throw SessionFault.peer(.neverReads)
        }
        let (event, more) = try decode()
        if let event { return event }
        if let event = takeQueued() { return event }
        if !more { return nil }
      }
    } catch {
      failed = true
      input = ByteBuffer()
      goAway(error.goAwayCode, error.description)
      throw error
    }
  }

  private mutating func takeQueued() -> Event? {
    while nextQueued < queued.count {
      let event = queued[nextQueued]
      nextQueued &+= 1  // bounded: below the count
      if nextQueued == queued.count {
        queued.removeAll(keepingCapacity: true)
        nextQueued = 0
      }
      // Not before: whoever drives this keeps things by slot until it has heard of the end.
      if case .closed(let slot) = event { freeSlots.append(slot.index) }
      if case .resumed(let slot) = event {
        // The driver may have ended this half since, or sent more and been told to wait again.
        guard let index = live(slot), !streams[index].sendEnded, !streams[index].waits
        else { continue }
      }
      return event
    }
    return nil
  }

  /// One frame, or what is there of one; `more` is false when the input is used up.
  private mutating func decode() throws(SessionFault) -> (Event?, more: Bool) {
    if partial != nil { return (try takeData(), input.readableBytes > 0) }
    guard let header = FrameHeader(at: input) else {
      dropInputIfEmpty()
      return (nil, false)
    }
    try check(header)
    if header.type == FrameType.data.rawValue {
      input.moveReaderIndex(forwardBy: FrameHeader.size)
      try beginData(header)
      return (try takeData(), true)
    }
    let length = Int(header.length)
    guard input.readableBytes &- FrameHeader.size >= length else { return (nil, false) }
    input.moveReaderIndex(forwardBy: FrameHeader.size)
    guard let payload = input.readSlice(length: length) else { return (nil, false) }
    dropInputIfEmpty()
    return (try event(header, payload), true)
  }

  /// Kept, a drained buffer would make the link's next read take a new one.
  private mutating func dropInputIfEmpty() {
    if input.readableBytes == 0 { input = ByteBuffer() }
  }

  private func check(_ header: FrameHeader) throws(SessionFault) {
    if peerTakes == nil, header.type != FrameType.hello.rawValue { throw .peer(.helloExpected) }
    guard let type = FrameType(rawValue: header.type) else {
      guard FrameType.ignorable.contains(header.type) else {
        throw .peer(.unknownFrame(header.type))
      }
      guard header.length <= FrameHeader.longestPayload else {
        throw .peer(.tooLong(header.length))
      }
      return
    }
    let longest: UInt32 =
      switch type {
      case .data: FrameHeader.longestPayload
      case .window: 16
      case .ping, .pong: 8
      case .commit: 0
      default: FrameHeader.longestFields
      }
    guard header.length <= longest else { throw .peer(.tooLong(header.length)) }
    guard header.flags & ~(type == .data ? FrameHeader.endFlag : 0) == 0 else {
      throw .peer(.reservedBits)
    }
    switch type {
    case .hello, .ping, .pong, .goAway, .control:
      guard header.stream == 0 else { throw .peer(.reservedBits) }
    default: break
    }
  }

  private mutating func beginData(_ header: FrameHeader) throws(SessionFault) {
    guard let index = slotOfID[header.stream] else { throw foreign(header.stream) }
    guard !streams[index].receiveEnded else { throw .peer(.dataAfterEnd(header.stream)) }
    let end = header.flags & FrameHeader.endFlag != 0
    guard header.length > 0 || end else { throw .peer(.emptyData(header.stream)) }
    guard streams[index].window.receive(Int(header.length), &receivePool) else {
      throw .peer(.creditExceeded(header.stream))
    }
    partial = PartialData(id: header.stream, rest: Int(header.length), end: end)
  }

  /// What is there of the DATA frame that is being read.
  private mutating func takeData() throws(SessionFault) -> Event? {
    guard var data = partial, let index = slotOfID[data.id] else {
      throw .peer(.foreignStream(partial?.id ?? 0))
    }
    let count = min(data.rest, input.readableBytes)
    guard let bytes = input.readSlice(length: count), count > 0 || data.rest == 0 else {
      dropInputIfEmpty()
      return nil
    }
    dropInputIfEmpty()
    data.rest &-= count  // bounded: at most the rest
    let ends = data.end && data.rest == 0
    partial = data.rest == 0 ? nil : data
    if ends { streams[index].receiveEnded = true }
    let slot = slot(index)
    if streams[index].refusesMore {
      streams[index].window.release(&receivePool)
      closeIfOver(index)
      return nil
    }
    streams[index].window.arrive(count)
    // The event is handed out before `closed`, which stays queued behind it.
    if ends {
      reportIfDue(index)
      closeIfOver(index)
    }
    return .data(slot, bytes, end: ends)
  }

  func foreign(_ id: UInt64) -> SessionFault {
    .peer(wasOpened(id) ? .dataAfterEnd(id) : .foreignStream(id))
  }

  /// Whether a stream of this id was ever there.
  func wasOpened(_ id: UInt64) -> Bool {
    id != 0 && (isLocal(id) ? id < nextID : id <= lastPeerID)
  }
}
