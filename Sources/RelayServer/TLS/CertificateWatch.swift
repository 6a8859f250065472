import TunnelCore

#if canImport(Glibc)
  import Glibc
#endif

/// Which of the certificates' files have changed, and what became of each: a pair that cannot be
/// used, as while one of its files is replaced and the other not yet, leaves the old one in place
/// and is tried again at every look.
///
/// A look costs two `stat` a pair. What is found changed is loaded once more at the next look, for
/// a file may be written to twice within one tick of its clock.
struct CertificateWatch {
  enum Finding: Equatable {
    case renewed(CertificateFiles)
    /// Said once, for as long as the reason stays the same.
    case unusable(CertificateFiles, UserError)
  }

  private struct Pair {
    var certificate: ServerCertificate
    var stamp: PairStamp
    var isSettled = false
    var fault: UserError?
  }

  private var pairs: [Pair]

  init(_ certificates: ServedCertificates) {
    pairs = certificates.all.map { Pair(certificate: $0, stamp: PairStamp($0.files)) }
  }

  var served: ServedCertificates? { ServedCertificates(pairs.map(\.certificate)) }

  /// What has changed since the last look. With `all` every file is read, changed or not.
  mutating func look(all: Bool = false) -> [Finding] {
    var findings: [Finding] = []
    for index in pairs.indices {
      if let finding = Self.look(&pairs[index], anyway: all) { findings.append(finding) }
    }
    return findings
  }

  /// Other files than before, those of the settings now. Throws what `load` does, and nothing has
  /// changed then.
  mutating func replace(_ files: [CertificateFiles]) throws(UserError) {
    guard let loaded = try ServedCertificates.load(files) else { return }
    self = CertificateWatch(loaded)
  }

  private static func look(_ pair: inout Pair, anyway: Bool) -> Finding? {
    let files = pair.certificate.files
    // Before the files are read: a change behind it is seen at the next look.
    let stamp = PairStamp(files)
    let isSame = stamp == pair.stamp
    guard anyway || !isSame || !pair.isSettled || pair.fault != nil else { return nil }
    pair.stamp = stamp
    pair.isSettled = isSame
    do throws(UserError) {
      let loaded = try ServerCertificate.load(files)
      pair.fault = nil
      guard loaded.contents != pair.certificate.contents else { return nil }
      pair.certificate = loaded
      return .renewed(files)
    } catch {
      guard error != pair.fault else { return nil }
      pair.fault = error
      return .unusable(files, error)
    }
  }
}

/// What tells that a file is another one, or was written to; links are followed. Files that are not
/// there are alike.
private struct PairStamp: Equatable {
  private let numbers: [Int]

  init(_ files: CertificateFiles) {
    numbers = Self.numbers(files.certificate) + Self.numbers(files.key)
  }

  private static func numbers(_ path: String) -> [Int] {
    var status = stat()
    guard stat(path, &status) == 0 else { return [0] }
    return [
      Int(truncatingIfNeeded: status.st_dev), Int(truncatingIfNeeded: status.st_ino),
      Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
      status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
    ]
  }
}
