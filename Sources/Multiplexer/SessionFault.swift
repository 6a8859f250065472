/// Why a session must end. Thrown by `Session.next()`, once; the machine is dead afterwards.
/// The blame is in the case's name: what the peer sent can only ever be `peer`.
package enum SessionFault: Error, Equatable, Sendable, CustomStringConvertible {
  case peer(Violation)

  package enum Violation: Equatable, Sendable {
    case unknownFrame(UInt8)
    case unknownField(UInt16)
    case unknownControl(UInt16)
    case tooLong(UInt32)
    case badFields
    case helloExpected
    case secondHello
    case noCommonVersion
    case foreignStream(UInt64)
    case streamOrder(UInt64)
    case tooManyStreams
    case creditExceeded(UInt64)
    case creditTakenBack(UInt64)
    case dataAfterEnd(UInt64)
    case emptyData(UInt64)
    case notHeld(UInt64)
    case reservedBits
    case neverReads
    case tooManyControls
    case tooManyOpens
    case tooManyIdle
  }

  /// What is said to the peer: it did too much of what it may, or what nobody may.
  package var goAwayCode: GoAway.Code {
    switch self {
    case .peer(.tooManyStreams), .peer(.neverReads), .peer(.tooManyControls),
      .peer(.tooManyOpens), .peer(.tooManyIdle):
      .limit
    case .peer: .protocolFault
    }
  }

  package var description: String {
    switch self {
    case .peer(let violation): "the peer broke the protocol: \(violation.sentence)"
    }
  }
}

extension SessionFault.Violation {
  var sentence: String {
    switch self {
    case .unknownFrame(let type): "frame type \(type) is unknown and critical"
    case .unknownField(let key): "field \(key) is unknown and critical"
    case .unknownControl(let kind): "control message \(kind) is unknown and critical"
    case .tooLong(let length): "a frame of \(length) bytes is too long"
    case .badFields: "a frame's fields don't add up"
    case .helloExpected: "the first frame was no HELLO"
    case .secondHello: "HELLO came twice"
    case .noCommonVersion: "no protocol version in common"
    case .foreignStream(let id): "stream \(id) was never opened"
    case .streamOrder(let id): "stream \(id) was opened out of order"
    case .tooManyStreams: "too many open streams"
    case .creditExceeded(let id): "stream \(id) sent more than it was granted"
    case .creditTakenBack(let id): "credit of stream \(id) went backwards"
    case .dataAfterEnd(let id): "stream \(id) sent more after its end"
    case .emptyData(let id): "stream \(id) sent an empty DATA frame without END"
    case .notHeld(let id): "COMMIT on stream \(id), which is not held or was committed"
    case .reservedBits: "reserved bits were set"
    case .neverReads: "it asks on and on and never reads the answers"
    case .tooManyControls: "too many CONTROL frames a second"
    case .tooManyOpens: "too many streams opened a second"
    case .tooManyIdle: "too many frames a second that ask for nothing"
    }
  }
}
