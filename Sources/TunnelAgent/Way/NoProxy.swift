import TunnelCore

/// What `NO_PROXY` excepts, separated by commas or blanks: `*`, names and all below them (a dot or
/// `*.` in front makes no difference), addresses, CIDR blocks; each with `:PORT` where only that
/// port is meant. An entry that is none of these excepts nothing.
struct NoProxy: Equatable {
  private enum Host: Equatable {
    case all
    case name(String)
    case block(AddressBlock)
  }

  private struct Entry: Equatable {
    let host: Host
    let port: Int?
  }

  private var entries: [Entry] = []

  init(_ text: String) {
    for word in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      if let entry = Self.entry(word) { entries.append(entry) }
    }
  }

  /// `host` as a resolver takes it, in lower case.
  func excepts(_ host: String, port: Int) -> Bool {
    let address = IPAddress(host)
    return entries.contains { entry in
      guard entry.port == nil || entry.port == port else { return false }
      switch entry.host {
      case .all: return true
      case .name(let name): return address == nil && (host == name || host.hasSuffix("." + name))
      case .block(let block): return address.map(block.contains) ?? false
      }
    }
  }

  private static func entry(_ word: Substring) -> Entry? {
    if word == "*" { return Entry(host: .all, port: nil) }
    if let block = AddressBlock(String(word)) { return Entry(host: .block(block), port: nil) }
    var host = word
    var port: Int?
    let colon = word.lastIndex(of: ":")
    if let colon, !word.hasSuffix("]") {
      guard let number = Int(word[word.index(after: colon)...]) else { return nil }
      port = number
      host = word[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    if host == "*" { return Entry(host: .all, port: port) }
    if let block = AddressBlock(String(host)) { return Entry(host: .block(block), port: port) }
    if host.hasPrefix("*.") { host = host.dropFirst() }
    while host.hasPrefix(".") { host = host.dropFirst() }
    while host.hasSuffix(".") { host = host.dropLast() }
    return host.isEmpty ? nil : Entry(host: .name(host.lowercased()), port: port)
  }
}
