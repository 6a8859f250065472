/// How much of a message's frame is read before it is refused. Bytes, unless a field says
/// otherwise.
package struct HeadLimits: Sendable, Equatable {
  /// The request or status line without its CRLF.
  package var line = 8192
  /// One field line without its CRLF.
  package var field = 16384
  /// All field lines of a head together.
  package var fields = 65536
  /// Field lines in a head, or in a trailer section.
  package var count = 100
  /// A chunk's size line with its extension, without its CRLF.
  package var chunkLine = 256
  /// All trailer lines of a chunked body together.
  package var trailers = 8192
  /// Interim (1xx) heads before one final response.
  package var interim = 32

  package init() {}

  /// What an operator may raise each of them to: the memory of one head stays bounded.
  package static let largest: HeadLimits = {
    var limits = HeadLimits()
    limits.line = 65_536
    limits.field = 262_144
    limits.fields = 1_048_576
    limits.count = 1_000
    limits.chunkLine = 4_096
    limits.trailers = 65_536
    return limits
  }()

  /// Of a request that `RequestEdit` made: three lines more, the old X-Forwarded-For lines as one,
  /// and what policies add. What a relay took, with whatever limits, must not be too large for the
  /// agent.
  package static let edited: HeadLimits = {
    var limits = largest
    limits.fields += 1_024 + HeadEdits.mostBytes  // bounded: constants
    limits.field = limits.fields
    limits.count += 3 + HeadEdits.mostLines  // bounded: constants
    return limits
  }()

  /// Fields that most heads stay below: room is made for these at once.
  static let usual = 16
  /// A method's name. No registered one is longer than 18.
  static let method = 32
  /// Fields that the Connection fields of one head may name, so that dropping them stays cheap.
  static let named = 32
}
