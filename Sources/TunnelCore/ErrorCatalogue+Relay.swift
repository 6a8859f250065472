extension ErrorCatalogue {
  /// What the relay's operator meets.
  static let relayEntries: [ErrorEntry] = [
    ErrorEntry(
      "address-in-use", "Another program listens on this address", exit: .taken,
      meaning: "Two programs cannot listen on the same address and port.",
      fix: "stop the other one, or choose another port with `--listen`"),
    ErrorEntry(
      "address-unusable", "The relay cannot listen on this address", exit: .configuration,
      meaning: "The address is not this machine's, or the port is below 1024 and needs a right.",
      fix: "use an address of this machine, or a port from 1024 on"),
    ErrorEntry(
      "data-locked", "Another relay uses this data directory", exit: .taken,
      meaning: "A data directory belongs to one running relay at a time.",
      fix: "stop the other relay, or give this one a directory of its own with `--data`"),
    ErrorEntry(
      "data-unusable", "The data directory cannot be used", exit: .configuration,
      meaning: "It cannot be made, read or written by this user, or its database is damaged.",
      fix: "run the command as the user who owns the directory"),
    ErrorEntry(
      "name-taken", "The name is taken", exit: .taken,
      meaning: "An account or a domain of this name exists already.",
      fix: "choose another name; `relay account ls` and `relay domain ls` show what there is"),
    ErrorEntry(
      "name-invalid", "The name cannot be used", exit: .usage,
      meaning: "An account's name has 1 to 63 characters out of a-z, 0-9, hyphen, dot and _.",
      fix: "choose another name"),
    ErrorEntry(
      "no-such-account", "There is no such account", exit: .other,
      meaning: "This data directory knows no account of the name.",
      fix: "`relay account ls` lists them; is `--data` the directory of the running relay?"),
    ErrorEntry(
      "no-such-token", "There is no such authtoken", exit: .other,
      meaning: "No authtoken has this id, or it was revoked before.",
      fix: "`relay token ls` lists the ids; a token's own text is never one"),
    ErrorEntry(
      "no-such-domain", "There is no such domain", status: 404, exit: .other,
      meaning: "The name is not held, or not by the account that asked.",
      fix: "`relay domain ls` or `tunnel domains` lists what is held"),
    ErrorEntry(
      "certificate-unusable", "The relay's certificate cannot be used", exit: .configuration,
      meaning: "A file of `--tls-cert` or `--tls-key` cannot be read, or the two do not fit.",
      fix: "give the certificate's whole chain and its own key, both in PEM"),
    ErrorEntry(
      "tls-required", "The relay would speak plain HTTP to the world", exit: .configuration,
      meaning: """
        Without a certificate the relay listens on loopback only, for authtokens and visitors' \
        data would pass in the clear.
        """,
      fix: "give `--tls-cert` and `--tls-key`, or say `--behind-proxy` behind one that speaks TLS"),
    ErrorEntry(
      "redirect-unusable", "There is no https to send visitors to", exit: .configuration,
      meaning: "`--redirect-listen` sends visitors on to the relay's own TLS, and it has none.",
      fix: "give `--tls-cert` and `--tls-key`, or leave out `--redirect-listen`"),
    ErrorEntry(
      "unhealthy", "The relay does not answer as it should", exit: .other,
      meaning: "`relay healthcheck` got no answer, or not the one of a healthy relay.",
      fix: "is it running, and is `--url` right? Its log on stderr says more"),
    ErrorEntry(
      "not-found", "There is nothing here", status: 404, exit: .other,
      meaning: "The relay's own interface has nothing at this path, or not for this account.",
      fix: "check the path and the id"),
    ErrorEntry(
      "internal", "Something went wrong on our side", status: 500, exit: .other,
      meaning: "A fault of this program, not of yours.",
      fix: "try again; if it stays, report it together with the log of that moment"),
  ]
}
