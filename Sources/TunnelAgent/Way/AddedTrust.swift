import Glibc
import SessionLink
import TunnelCore

/// The certificates that are believed beside the system's own: `--ca` or `agent.ca`, then
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` where TLS is spoken. Throws `ca-file`.
struct AddedTrust {
  private static let largest = 4 << 20

  private(set) var additions = TrustStore.Additions()
  /// Where each came from, for `config show`.
  private(set) var files: [Sourced<String>] = []

  /// A file that a person named, so it must be good.
  mutating func add(_ file: Sourced<String>) throws(UserError) {
    _ = try file.read { path throws(ValueFault) in
      do {
        try additions.add(pem: Array(try SmallFile.read(path, most: Self.largest).text.utf8))
      } catch let fault as SmallFile.Fault {
        throw Self.fault("\(path) cannot be read: \(fault.text)")
      } catch {
        throw Self.fault("\(path) holds no certificate in PEM form, or a broken one")
      }
    }
    files.append(file)
  }

  mutating func add(_ environment: [String: String]) throws(UserError) {
    if let file = environment.setting("SSL_CERT_FILE") { try add(file) }
    guard let folders = environment.setting("SSL_CERT_DIR") else { return }
    // Such folders hold links, lists and keys too: what is no certificate is passed over.
    for folder in folders.value.split(separator: ":") {
      for name in Self.names(in: String(folder)) {
        guard let file = try? SmallFile.read("\(folder)/\(name)", most: Self.largest) else {
          continue
        }
        try? additions.add(pem: Array(file.text.utf8))
      }
    }
    files.append(folders)
  }

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  private static func fault(_ message: String) -> ValueFault {
    ValueFault(message, fix: "give a file with certificates in PEM form", code: "ca-file")
  }
}
