/// Labels that nobody may hold below the base domain: what mail, certificates and browsers give a
/// meaning of its own (RFC 2142, RFC 6761), and what a visitor would take for the relay itself.
package enum ReservedLabels {
  package static func contains(_ label: String) -> Bool {
    // `xn--` and its like could show a visitor other letters than those held (RFC 5890, 2.3.1).
    let bytes = Array(label.utf8.prefix(4))
    if bytes.count == 4, bytes[2...].allSatisfy({ $0 == UInt8(ascii: "-") }) { return true }
    return names.contains(label)
  }

  private static let names: Set<String> = [
    "_acme-challenge", "abuse", "account", "accounts", "acme", "acme-challenge", "admin",
    "administrator", "api", "assets", "auth", "autoconfig", "autodiscover", "billing", "cdn",
    "console", "dashboard", "dns", "docs", "ftp", "health", "healthz", "help", "hostmaster",
    "imap", "inspector", "internal", "invalid", "isatap", "local", "localhost", "login", "logout",
    "mail", "metrics", "mta-sts", "mx", "noc", "noreply", "ns1", "ns2", "ns3", "ns4", "oauth",
    "operator", "pop", "pop3", "postmaster", "readyz", "relay", "root", "security", "signin",
    "signup", "smtp", "sso", "static", "status", "support", "system", "tunnel", "webmail",
    "webmaster", "well-known", "wpad", "www", "www1", "www2",
  ]
}
