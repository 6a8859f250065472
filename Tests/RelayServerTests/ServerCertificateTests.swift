import Glibc
import Testing
import TunnelCore

@testable import RelayServer

/// The files of `--tls-cert` and `--tls-key`: each fault names its path and its cause.
@Suite("certificate files")
struct ServerCertificateTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = try temporaryFolder()
    defer {
      for name in ["a.pem", "b.pem"] { unlink("\(folder)/\(name)") }
      rmdir(folder)
    }
    try body(folder)
  }

  private func load(_ certificate: String?, _ key: String?, in folder: String) throws
    -> ServerCertificate
  {
    for (text, name) in [(certificate, "a.pem"), (key, "b.pem")] {
      if let text { _ = try TestCertificate.write(text, name, in: folder) }
    }
    return try ServerCertificate.load(
      CertificateFiles(certificate: folder + "/a.pem", key: folder + "/b.pem"))
  }

  private static let wrongs: [(certificate: String?, key: String?, file: String, cause: String)] = [
    (nil, nil, "a.pem", "No such file or directory"),
    (TestCertificate.certificate, nil, "b.pem", "No such file or directory"),
    ("", TestCertificate.key, "a.pem", "no certificate in PEM"),
    (TestCertificate.key, TestCertificate.key, "a.pem", "no certificate in PEM"),
    (TestCertificate.certificate, "", "b.pem", "no private key in PEM"),
    (TestCertificate.certificate, TestCertificate.certificate, "b.pem", "no private key in PEM"),
    (TestCertificate.certificate, TestCertificate.strangeKey, "b.pem", "is not the key of"),
    (String(repeating: "x", count: 1 << 20 + 1), nil, "a.pem", "larger than 1 MiB"),
  ]

  @Test("what cannot be used is 78, with path, cause and fix", arguments: wrongs.indices)
  func faults(_ index: Int) throws {
    let wrong = Self.wrongs[index]
    try inFolder { folder in
      do {
        _ = try load(wrong.certificate, wrong.key, in: folder)
        Issue.record("taken")
      } catch let error as UserError {
        #expect(error.code == "certificate-unusable" && error.exit == .configuration)
        #expect(error.message.hasPrefix("\(folder)/\(wrong.file) "))
        #expect(error.message.contains(wrong.cause) && error.fix != nil)
      }
    }
  }

  @Test("a certificate out of its time is a concern, not a fault")
  func time() throws {
    try inFolder { folder in
      let good = try load(TestCertificate.certificate, TestCertificate.key, in: folder)
      #expect(good.concern(at: 1_800_000_000) == nil)
      #expect(good.concern(at: 1_000_000_000) == "the certificate is not valid yet")
      #expect(good.fingerprint.count == 64)
      let old = try load(TestCertificate.expired, TestCertificate.key, in: folder)
      #expect(old.concern(at: 1_800_000_000) == "the certificate has expired")
      #expect(old.fingerprint != good.fingerprint)
    }
  }

  @Test("chain and key may stand in one file")
  func together() throws {
    try inFolder { folder in
      let both = TestCertificate.key + TestCertificate.certificate
      _ = try load(both, both, in: folder)
    }
  }
}
