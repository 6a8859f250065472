import Testing

@testable import TunnelCore

@Suite("policies")
struct PoliciesTests {
  private static let hash = PasswordHash(
    salt: Array(repeating: 1, count: 16), digest: Array(repeating: 2, count: 32))

  static let all = [
    "allow 10.0.0.0/8", "allow 2001:db8::/32", "deny 10.1.1.1", "rate 10/s",
    "password pbkdf2-sha256-100000 AQEBAQEBAQEBAQEBAQEBAQ== "
      + "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    "request-remove Cookie", "request-add X-Env: dev", "request-add X-Empty: ",
    "response-remove Server", "response-add X-From: a: b", "host localhost:3000",
  ]

  @Test("what was declared is said again in the same lines")
  func lines() throws {
    let policies = try Policies(lines: Self.all)
    #expect(policies.lines == Self.all)
    #expect(policies.passwords == [Self.hash].compactMap(\.self))
    #expect(try Policies(lines: policies.lines) == policies)
    #expect(!policies.isEmpty)
    #expect(try Policies(lines: []).isEmpty && Policies().lines.isEmpty)
  }

  @Test(
    "what cannot be kept is not passed over",
    arguments: [
      "", "allow", "allow ", "allow x", "Allow 10.0.0.0/8", " allow 10.0.0.0/8", "geo-block de",
      "allow 10.0.0.0/8 ", "rate 0/s", "rate 10/s ", "password x", "request-add Host: a",
      "request-add X-A: b\r\nX-B: c", "request-add X-A: b\nX-B: c", "request-add X-A", "host ",
      "request-add X-A: b\u{0}", "request-remove ", "response-add Transfer-Encoding: chunked",
      "response-remove Tunnel-Error", "host a b", "host a\r\nX: b", "host a:", "host a/b",
      "password pbkdf2-sha256-1 AQEBAQEBAQEBAQEBAQEBAQ== "
        + "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
      "password pbkdf2-sha256-100000 AQEB AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    ])
  func faults(_ line: String) {
    #expect(throws: PolicyFault.self) { try Policies(lines: ["allow ::1", line]) }
  }

  @Test("one rate, one Host, one salt")
  func once() {
    let other = "password pbkdf2-sha256-100000 AwMDAwMDAwMDAwMDAwMDAw== "
    let digest = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
    for lines in [
      ["rate 1/s", "rate 1/s"], ["host a", "host a"], [Self.all[4], other + digest],
    ] {
      #expect(throws: PolicyFault.self) { try Policies(lines: lines) }
    }
    #expect(throws: Never.self) { try Policies(lines: [Self.all[4], Self.all[4]]) }
  }

  @Test("a declaration is at most 64 lines, 2,048 bytes each, 8,192 in all, 16 passwords")
  func sizes() throws {
    func deny(_ count: Int) -> [String] { Array(repeating: "deny 10.0.0.1", count: count) }
    #expect(try Policies(lines: deny(64)).addresses.deny.count == 64)
    #expect(throws: PolicyFault.self) { try Policies(lines: deny(65)) }

    func line(_ bytes: Int) -> String {
      let start = "request-add X: "
      return start + String(repeating: "x", count: bytes - start.utf8.count)
    }
    #expect(throws: Never.self) { try Policies(lines: [line(2_048)]) }
    #expect(throws: PolicyFault.self) { try Policies(lines: [line(2_049)]) }
    #expect(throws: Never.self) { try Policies(lines: Array(repeating: line(2_044), count: 4)) }
    #expect(throws: PolicyFault.self) {
      try Policies(lines: Array(repeating: line(2_044), count: 3) + [line(2_045)])
    }

    let password = Self.all[4]
    #expect(throws: Never.self) { try Policies(lines: Array(repeating: password, count: 16)) }
    #expect(throws: PolicyFault.self) { try Policies(lines: Array(repeating: password, count: 17)) }
  }

  @Test("what stands in for a declaration that cannot be read lets nobody in")
  func closed() {
    for address in ["192.0.2.1", "::1", "2001:db8::1"] {
      #expect(Policies.closed.addresses.refusal(of: IPAddress(address))?.code == .policyCIDR)
    }
  }
}
