/// Two machines against each other, and one of them against hostile bytes.
package enum SessionCheck {
  /// The first byte: bit 0 hostile bytes follow, bit 1 to the agent, the others how much of the
  /// input is an honest walk before them.
  package static func run(_ bytes: [UInt8]) throws {
    let first = bytes.first ?? 0
    let rest = bytes.dropFirst()
    guard first & 1 == 1 else {
      var walk = try Walk(bytes: rest)
      try walk.runOut()
      return try walk.goQuiet()
    }
    let honest = rest.count * Int(first >> 2) / 128
    var walk = try Walk(bytes: rest.prefix(honest))
    try walk.runOut()
    let end = first & 2 == 0 ? Pair.End.relay : .agent
    var hostile = HostileCheck(
      walk.pair[end], slots: Array((walk.serials[end] ?? [:]).keys), rest.dropFirst(honest))
    try hostile.run()
  }
}
