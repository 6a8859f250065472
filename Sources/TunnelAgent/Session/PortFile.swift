import FoundationEssentials
import Glibc
import TunnelCore

/// `PID.json` in the `PortFolder`: where this agent's web address is, and which names it serves.
/// It is there while the agent can be asked. Belongs to the one queue that it is given.
final class PortFile {
  struct Content: Codable, Equatable, Sendable {
    var pid: Int32
    var webAddress: String
    var domains: [String]

    private enum CodingKeys: String, CodingKey {
      case pid, domains
      case webAddress = "web_addr"
    }

    /// Nil for anything but a port file's text.
    init?(_ bytes: [UInt8]) {
      guard let content = try? JSONDecoder().decode(Content.self, from: Data(bytes)) else {
        return nil
      }
      self = content
    }

    init(pid: Int32, webAddress: String, domains: [String]) {
      self.pid = pid
      self.webAddress = webAddress
      self.domains = domains
    }

    var text: String {
      JSONText.object([
        ("pid", JSONText(pid)), ("web_addr", .string(webAddress)),
        ("domains", .array(domains.map(JSONText.string))),
      ]).line + "\n"
    }

    var name: String { "\(pid).json" }
  }

  private let folder: PortFolder
  private var content: Content
  private var isGone = false

  /// Writes it. Throws why it cannot be found by others.
  init(in folder: PortFolder, _ content: Content) throws(PortFolder.Fault) {
    self.folder = folder
    self.content = content
    try folder.write(content.text, to: content.name)
  }

  /// What cannot be written is not: the file of before still says where to ask.
  func domains(_ domains: [String]) {
    guard !isGone, domains != content.domains else { return }
    content.domains = domains
    try? folder.write(content.text, to: content.name)
  }

  func remove() {
    guard !isGone else { return }
    isGone = true
    folder.remove(content.name)
  }
}

extension PortFolder {
  /// What agents have left here. Files of processes that are gone, which an agent that was killed
  /// leaves behind, are removed; whether the others are agents, their answer tells.
  var files: [PortFile.Content] {
    names.compactMap { name in
      guard let number = PortFolder.number(name) else { return nil }
      guard PortFolder.isRunning(number) else {
        remove(name)
        return nil
      }
      guard name.hasSuffix(".json"), let bytes = read(name),
        let content = PortFile.Content(bytes), content.pid == number
      else { return nil }
      return content
    }
  }

  /// The process of `PID.json` or `PID.json.new`.
  private static func number(_ name: String) -> pid_t? {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1] == "json" || parts[1] == "json.new" else { return nil }
    return pid_t(parts[0]).flatMap { $0 > 0 ? $0 : nil }
  }

  /// EPERM: the number is another user's now, and no agent of this one.
  private static func isRunning(_ number: pid_t) -> Bool { kill(number, 0) == 0 }
}
