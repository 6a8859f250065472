import struct NIOCore.ByteBuffer

/// What each whole frame but DATA means.
extension Session {
  mutating func event(_ header: FrameHeader, _ payload: ByteBuffer) throws(SessionFault)
    -> Event?
  {
    guard let type = FrameType(rawValue: header.type) else {
      try rates.idleFrame()
      return nil
    }
    switch type {
    case .hello:
      guard peerTakes == nil else { throw .peer(.secondHello) }
      let hello = try Hello(payload)
      peerTakes = Int(hello.streamLimit)
      return .hello(hello)
    case .open: return try opened(header.stream, try Open(payload))
    case .data: return nil
    case .commit: return try committed(header.stream)
    case .window: return try widened(header.stream, payload)
    case .stop: return try stopped(header.stream, try Farewell(payload))
    case .reset: return try wasReset(header.stream, try Farewell(payload))
    case .ping:
      guard payload.readableBytes == 8 else { throw .peer(.badFields) }
      try rates.idleFrame()
      freshenOutbox()
      outbox.writeFrameHeader(.pong, length: payload.readableBytes)
      outbox.writeImmutableBuffer(payload)
      return nil
    case .pong:
      guard payload.readableBytes == 8,
        let echo = payload.getInteger(at: payload.readerIndex, as: UInt64.self)
      else { throw .peer(.badFields) }
      try rates.idleFrame()
      return .pong(echo)
    case .goAway:
      try rates.idleFrame()
      heardGoAway = true
      return .goAway(try GoAway(payload))
    case .control:
      try rates.control()
      return try Control.read(payload).map { .control($0) }
    }
  }

  private mutating func opened(_ id: UInt64, _ open: Open) throws(SessionFault) -> Event? {
    guard !isLocal(id), id > lastPeerID else { throw .peer(.streamOrder(id)) }
    guard peerOpen < limits.peerStreams else { throw .peer(.tooManyStreams) }
    try rates.open()
    lastPeerID = id
    peerOpen += 1
    let slot = admit(id, held: open.held)
    if saidGoAway {
      // The peer was told that this one is not taken, and may already try it elsewhere.
      streams[slot.index].isUnseen = true
      let refusal = Farewell(.overloaded, blame: role == .relay ? .relay : .agent, "going away")
      stop(slot, refusal)
      reset(slot, refusal)
      return nil
    }
    lastTakenID = id
    return .opened(slot, open)
  }

  private mutating func committed(_ id: UInt64) throws(SessionFault) -> Event? {
    guard let index = try known(id) else { return nil }
    guard streams[index].isHeld, !streams[index].heardCommit else {
      throw .peer(.notHeld(id))
    }
    streams[index].heardCommit = true
    return streams[index].isUnseen ? nil : .commit(slot(index))
  }

  private mutating func widened(_ id: UInt64, _ payload: ByteBuffer) throws(SessionFault)
    -> Event?
  {
    var payload = payload
    guard
      let (consumed, limit) = payload.readMultipleIntegers(as: (UInt64, UInt64).self)
    else { throw .peer(.badFields) }
    guard let index = try known(id) else { return nil }
    // A half that was reset has no sums left to mend.
    if streams[index].sendEnded, streams[index].credit.pooled == 0 {
      try rates.idleFrame()
      return nil
    }
    if consumed == streams[index].credit.consumed { try rates.idleFrame() }
    guard streams[index].credit.report(consumed: consumed, limit: limit, &sendPool) else {
      throw .peer(.creditTakenBack(id))
    }
    if streams[index].hasSomethingToSend { ready.append(index) }
    closeIfOver(index)
    return nil
  }

  private mutating func stopped(_ id: UInt64, _ farewell: Farewell) throws(SessionFault)
    -> Event?
  {
    guard let index = try known(id) else { return nil }
    let slot = slot(index)
    let wasOver = streams[index].sendEnded
    if wasOver {
      try rates.idleFrame()
      streams[index].credit.release(&sendPool)
    } else {
      endSending(index, farewell)
    }
    closeIfOver(index)
    return wasOver ? nil : .stopped(slot, farewell)
  }

  private mutating func wasReset(_ id: UInt64, _ farewell: Farewell) throws(SessionFault)
    -> Event?
  {
    guard let index = slotOfID[id] else { throw foreign(id) }
    guard !streams[index].receiveEnded else { throw .peer(.dataAfterEnd(id)) }
    let unheard = streams[index].refusesMore
    streams[index].receiveEnded = true
    streams[index].refusesMore = true
    streams[index].window.release(&receivePool)
    let slot = slot(index)
    closeIfOver(index)
    return unheard ? nil : .reset(slot, farewell)
  }

  /// The stream that a frame is about: nil when it is over here but the peer could not know,
  /// a fault when it was never opened.
  private mutating func known(_ id: UInt64) throws(SessionFault) -> Int? {
    if let index = slotOfID[id] { return index }
    guard wasOpened(id) else { throw .peer(.foreignStream(id)) }
    try rates.idleFrame()
    return nil
  }
}
