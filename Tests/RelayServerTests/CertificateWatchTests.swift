import Glibc
import Testing
import TunnelCore

@testable import RelayServer

/// Files that are replaced under a running relay, whole and in halves.
@Suite("renewed certificates")
struct CertificateWatchTests {
  private struct Place {
    let folder: String
    let files: CertificateFiles

    func write(_ certificate: String?, _ key: String?) throws {
      // As a careful program does it: a new file takes the name.
      for (text, path) in [(certificate, files.certificate), (key, files.key)] {
        guard let text else { continue }
        let fresh = try TestCertificate.write(text, "fresh", in: folder)
        try #require(rename(fresh, path) == 0)
      }
    }
  }

  private func inPlace(_ body: (Place, inout CertificateWatch) throws -> Void) throws {
    let folder = try temporaryFolder()
    let files = try TestCertificate.files(in: folder)
    defer {
      for path in [files.certificate, files.key] { unlink(path) }
      rmdir(folder)
    }
    var watch = CertificateWatch(try #require(try ServedCertificates.load([files])))
    try body(Place(folder: folder, files: files), &watch)
  }

  @Test("nothing new is nothing, at every look")
  func same() throws {
    try inPlace { _, watch in
      let before = watch.served?.usual.fingerprint
      for _ in 0..<3 { #expect(watch.look() == []) }
      #expect(watch.look(all: true) == [] && watch.served?.usual.fingerprint == before)
    }
  }

  @Test("a new pair is found and shown")
  func renewed() throws {
    try inPlace { place, watch in
      let before = watch.served?.usual.fingerprint
      try place.write(TestCertificate.other, TestCertificate.otherKey)
      #expect(watch.look() == [.renewed(place.files)])
      #expect(watch.served?.usual.fingerprint != before)
      #expect(watch.look() == [])
    }
  }

  @Test("half a new pair leaves the old one, says so once, and is tried again", arguments: [0, 1])
  func half(first: Int) throws {
    try inPlace { place, watch in
      let before = watch.served?.usual.fingerprint
      let isKey = first == 1
      try place.write(isKey ? nil : TestCertificate.other, isKey ? TestCertificate.otherKey : nil)
      guard case .unusable(place.files, let fault)? = watch.look().first else {
        Issue.record("half a pair was taken")
        return
      }
      #expect(fault.message.contains("is not the key of"))
      for _ in 0..<3 { #expect(watch.look() == []) }
      #expect(watch.served?.usual.fingerprint == before)
      try place.write(isKey ? TestCertificate.other : nil, isKey ? nil : TestCertificate.otherKey)
      #expect(watch.look() == [.renewed(place.files)])
    }
  }

  @Test("files that are gone or broken leave the old ones; each reason is said once")
  func broken() throws {
    try inPlace { place, watch in
      unlink(place.files.key)
      guard case .unusable? = watch.look().first else {
        Issue.record("a missing key was taken")
        return
      }
      #expect(watch.look() == [])
      try place.write(nil, "no key")
      guard case .unusable? = watch.look().first else {
        Issue.record("no other reason was said")
        return
      }
      try place.write(nil, TestCertificate.key)
      #expect(watch.look() == [] && watch.served != nil)
      unlink(place.files.key)
      #expect(watch.look().count == 1)
    }
  }

  @Test("a file that is written to in place, and keeps its size and time, is read once more")
  func tick() throws {
    try inPlace { place, watch in
      #expect(watch.look() == [])
      _ = try TestCertificate.write(TestCertificate.other, "chain.pem", in: place.folder)
      #expect(watch.look().count == 1)
      _ = try TestCertificate.write(TestCertificate.otherKey, "key.pem", in: place.folder)
      #expect(watch.look() == [.renewed(place.files)])
    }
  }

  @Test("other files take the place of these, or nothing changes")
  func replaced() throws {
    try inPlace { place, watch in
      let before = watch.served?.usual.fingerprint
      let missing = CertificateFiles(certificate: "none.pem", key: "none.pem")
      #expect(throws: UserError.self) { try watch.replace([missing]) }
      #expect(watch.served?.usual.fingerprint == before)
      try place.write(TestCertificate.other, TestCertificate.otherKey)
      try watch.replace([place.files, place.files])
      #expect(watch.served?.all.count == 2 && watch.served?.usual.fingerprint != before)
    }
  }
}
