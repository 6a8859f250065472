import Testing

@testable import TunnelCore

@Suite struct ErrorCatalogueTests {
  @Test("every refusal has an entry with its own status and title")
  func refusals() {
    for code in RefusalCode.allCases {
      let entry = ErrorCatalogue.entry(code.rawValue)
      #expect(entry?.status == code.status)
      #expect(entry?.title == code.title)
    }
  }

  @Test("every code stands there once, and says what it means and what to do")
  func complete() {
    let codes = ErrorCatalogue.entries.map(\.code)
    #expect(Set(codes).count == codes.count)
    for entry in ErrorCatalogue.entries {
      #expect(entry.code.allSatisfy { $0 == "-" || $0.isLowercase })
      #expect(entry.meaning.hasSuffix("."), "\(entry.code)")
      #expect(entry.fix.count > 10 && !entry.fix.hasSuffix("."), "\(entry.code)")
      #expect(!entry.title.isEmpty && !entry.title.hasSuffix("."), "\(entry.code)")
      #expect(!entry.meaning.contains("\n") && !entry.fix.contains("\n"), "\(entry.code)")
      if let exit = entry.exit { #expect(ExitCode(rawValue: exit) != nil) }
    }
  }

  @Test("the codes that the contract names are there")
  func named() {
    let codes = """
      domain-taken domain-not-held domain-reserved domain-invalid authtoken-missing \
      authtoken-invalid authtoken-refused account-disabled relay-unreachable relay-answer \
      tls-unknown-issuer tls-self-signed tls-wrong-name tls-expired tls-not-yet-valid \
      tls-plain-http tls-handshake ca-file proxy-unreachable proxy-unknown \
      proxy-authentication proxy-refused proxy-answer relay-plain-http agent-too-old \
      config-key config-value config-syntax config-file usage upstream-not-listening \
      address-in-use data-locked name-taken no-such-account tls-required too-many-sessions internal
      """
    for code in codes.split(separator: " ") {
      #expect(ErrorCatalogue.entry(String(code)) != nil, "\(code)")
    }
  }

  @Test("a mistyped code finds its entry, a strange one finds none")
  func nearest() {
    #expect(ErrorCatalogue.nearest("domain-takn")?.code == "domain-taken")
    #expect(ErrorCatalogue.nearest("agent-ofline")?.code == "agent-offline")
    #expect(ErrorCatalogue.nearest("banana") == nil)
  }

  @Test("an error prints its code, its message and its fix, in at most four lines")
  func userError() {
    let error = UserError(
      code: "domain-taken", message: "mine.example belongs to another account",
      fix: "a\nb\nc\nd")
    #expect(error.exit == .taken)
    let lines = error.description.split(separator: "\n").map(String.init)
    #expect(
      lines == [
        "error[domain-taken]: mine.example belongs to another account", "  fix: a", "       b",
        "       c",
      ])
    let strange = UserError(code: "relay-answer", message: "got \u{1b}[2J\nerror[x]: y")
    #expect(strange.description.split(separator: "\n").count == 2)
    #expect(!strange.description.contains("\u{1b}"))
    #expect(UserError(code: "no-code", message: "m").description == "error[no-code]: m")
  }
}
