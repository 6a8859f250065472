import TunnelCore

/// What `relay serve` was told, checked (product.md, section 4).
package struct RelayOptions: Sendable {
  package var base: DomainName
  package var listenHost: String
  package var listenPort: Int
  package var dataDirectory: String
  /// How the outside world writes this relay's address; nil is what it listens on.
  package var publicURL: String?
  /// Without `--domain`: a relay for one person, with an account `dev` made by itself.
  package var isFirstRun: Bool
  /// Ready lines as JSON.
  package var json: Bool

  package init(
    base: DomainName, listenHost: String, listenPort: Int, dataDirectory: String,
    publicURL: String? = nil, isFirstRun: Bool = false, json: Bool = false
  ) {
    self.base = base
    self.listenHost = listenHost
    self.listenPort = listenPort
    self.dataDirectory = dataDirectory
    self.publicURL = publicURL
    self.isFirstRun = isFirstRun
    self.json = json
  }
}
