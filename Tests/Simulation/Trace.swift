import TunnelCore

/// One thing that happened, told in numbers: agents, relays, sessions and exchanges count from 1.
package struct Note: Equatable, Sendable, CustomStringConvertible {
  /// Each `#` is one of the numbers, in order.
  package enum What: String, Sendable {
    case agentStarts = "agent # of machine # wants name #"
    case agentDials = "agent # dials (link #)"
    case agentLinked = "agent # is linked (link #)"
    case agentAway = "agent # has no link: dial # came to nothing"
    case agentServes = "agent # hears on link #: serving, epoch #"
    case agentWaits = "agent # hears on link #: standby"
    case agentReplaced = "agent # hears on link #: replaced"
    case agentRefused = "agent # hears on link #: refused"
    case agentGoodbye = "agent # hears on link #: goodbye (#)"
    case agentLost = "agent # loses link #"
    case agentWoke = "agent # notices that it slept"
    case agentReconnects = "agent # reconnects in # ms"
    case agentTakes = "agent # takes"
    case agentStops = "agent # is told to stop"
    case agentKilled = "agent # is killed"
    case agentEnds = "agent # is over (#)"
    case streamRefused = "agent # refuses exchange # by its epoch #"
    case machineSleeps = "machine # sleeps for # ms (the clock stands: #)"
    case machineWakes = "machine # wakes"
    case machineOffline = "machine # is offline for # ms"
    case machineRoute = "machine # has a new route"
    case relayStarts = "relay # starts"
    case relayListens = "relay # listens"
    case relayKilled = "relay # is killed (without a word: #)"
    case relayDrains = "relay # drains"
    case relayLeaves = "relay # hands over to relay #"
    case relayGone = "relay # is gone"
    case sessionEnters = "relay # has session #"
    case sessionEnds = "relay # loses session #"
    case claims = "session # claims name #, held epoch #"
    case writes = "relay # writes name #, epoch #"
    case written = "relay # has the answer for name #: #"
    case serving = "session # serves name # in epoch #"
    case routeless = "relay #: nobody serves name #"
    case standby = "session # waits for name #"
    case replaced = "session # is replaced at name #"
    case superseded = "session # is superseded at name #"
    case probed = "session # is asked for a sign of life"
    case taken = "session # may not have name #"
    case unwritten = "session # does not get name #: not written"
    case storeSlow = "the store is slow for # ms"
    case storeFails = "the store fails for # ms"
    case wireCut = "wire # is cut (who hears: #)"
    case wireStalls = "wire # stalls for # ms (which way: #)"
    case wireSlow = "wire # is slow: # ms (which way: #)"
    case asked = "exchange # for name # comes to relay #"
    case opened = "exchange # goes to session # in epoch #"
    case ended = "exchange # ends (#)"
    case quiet = "from here on nothing goes wrong"
  }

  package let at: Moment
  package let what: What
  package let numbers: (UInt64, UInt64, UInt64)

  package static func == (left: Note, right: Note) -> Bool {
    left.at == right.at && left.what == right.what && left.numbers == right.numbers
  }

  package var description: String {
    var rest = [numbers.0, numbers.1, numbers.2][...]
    let words = what.rawValue.split(separator: "#", omittingEmptySubsequences: false)
    var text = ""
    for (place, word) in words.enumerated() {
      if place > 0, let number = rest.popFirst() { text += "\(number)" }
      text += word
    }
    let milliseconds = "\(at.nanoseconds / 1_000_000 % 1_000 + 1_000)".dropFirst()
    return "\(at.nanoseconds / 1_000_000_000).\(milliseconds) s  \(text)"
  }
}

/// What happened in a run: the last notes, and a digest of all of them, which tells two runs apart.
package struct Trace: Equatable, Sendable {
  static let kept = 400

  package private(set) var count = 0
  /// FNV-1a over whole words.
  package private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
  private var ring: [Note] = []

  mutating func add(_ note: Note) {
    mix(note.at.nanoseconds)
    for byte in note.what.rawValue.utf8 { mix(UInt64(byte)) }
    mix(note.numbers.0)
    mix(note.numbers.1)
    mix(note.numbers.2)
    if ring.count < Trace.kept { ring.append(note) } else { ring[count % Trace.kept] = note }
    count += 1
  }

  /// The last ones, the oldest first.
  package var last: [Note] {
    let start = ring.count < Trace.kept ? 0 : count % Trace.kept
    return Array(ring[start...] + ring[..<start])
  }

  private mutating func mix(_ word: UInt64) { digest = (digest ^ word) &* 0x100_0000_01b3 }
}
