import Testing

@testable import TunnelCore

@Suite("address rules")
struct AddressRuleTests {
  private func lets(_ allow: [String], _ deny: [String], _ address: String?) throws -> Bool {
    var rule = AddressRule()
    rule.allow = try allow.map { text throws(PolicyFault) in try AddressRule.block(text) }
    rule.deny = try deny.map { text throws(PolicyFault) in try AddressRule.block(text) }
    let refusal = rule.refusal(of: address.flatMap { IPAddress($0) })
    #expect(refusal == nil || refusal?.code == .policyCIDR)
    return refusal == nil
  }

  @Test(
    "who is let in",
    arguments: [
      ([], [], "192.0.2.1", true), ([], [], nil, true),
      // Where something is allowed, everybody else is refused.
      (["10.0.0.0/8"], [], "10.9.9.9", true), (["10.0.0.0/8"], [], "11.0.0.1", false),
      (["10.0.0.0/8"], [], "2001:db8::1", false), (["10.0.0.0/8"], [], nil, false),
      (["10.0.0.0/8", "2001:db8::/32"], [], "2001:db8:1::1", true),
      // What is denied is refused.
      ([], ["10.0.0.0/8"], "10.9.9.9", false), ([], ["10.0.0.0/8"], "11.0.0.1", true),
      ([], ["10.0.0.0/8"], nil, false), ([], ["fd00::/8"], "fd12::1", false),
      // Denial wins, whichever is the narrower one.
      (["10.1.1.1"], ["10.0.0.0/8"], "10.1.1.1", false),
      (["10.0.0.0/8"], ["10.1.1.1"], "10.1.1.1", false),
      (["10.0.0.0/8"], ["10.1.1.1"], "10.1.1.2", true),
      // An IPv4 client on a listener of both, and blocks written in the mapped form.
      (["10.0.0.0/8"], [], "::ffff:10.9.9.9", true),
      (["::ffff:10.0.0.0/104"], [], "10.9.9.9", true),
      ([], ["::ffff:10.0.0.0/104"], "10.9.9.9", false),
      // All of one family is nothing of the other.
      (["::/0"], [], "10.9.9.9", false), (["::/0"], [], "2001:db8::1", true),
      ([], ["::/0"], "10.9.9.9", true), (["0.0.0.0/0"], [], "2001:db8::1", false),
      (["0.0.0.0/0", "::/0"], [], "10.9.9.9", true), (["::ffff:0:0/96"], [], "10.9.9.9", true),
    ] as [([String], [String], String?, Bool)])
  func rule(_ allow: [String], _ deny: [String], _ address: String?, _ isIn: Bool) throws {
    #expect(try lets(allow, deny, address) == isIn)
  }
}
