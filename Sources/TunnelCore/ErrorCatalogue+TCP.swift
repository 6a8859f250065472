extension ErrorCatalogue {
  /// What can be wrong with a TCP port of the relay's.
  static let tcpEntries: [ErrorEntry] = [
    ErrorEntry(
      "tcp-not-offered", "The relay offers no TCP ports", status: 403, exit: .taken,
      meaning: "`tunnel tcp` needs a port of the relay's, and its operator has set none aside.",
      fix: "on the relay: start it with `--tcp-ports 20000-20099`, and open them in its firewall"),
    ErrorEntry(
      "port-not-offered", "The port is not among the relay's TCP ports", status: 403, exit: .taken,
      meaning: "The operator sets a range of ports aside; only these can be served.",
      fix: "leave the port out and take the one that the relay gives, or choose one in its range"),
    ErrorEntry(
      "port-taken", "The TCP port belongs to another account", status: 409, exit: .taken,
      meaning: """
        A port belongs to one account until that gives it back, also while its agent is away. \
        One that was released rests for 30 days before another account can ask for it.
        """,
      fix: "leave the port out and take the one that the relay gives, or choose another"),
    ErrorEntry(
      "port-in-use", "Another program on the relay's machine has the TCP port", status: 409,
      exit: .taken,
      meaning: """
        The port is in the relay's range, but something else listens on it. An agent that holds \
        the port already keeps asking for it; one that asks for it anew ends.
        """,
      fix: "on the relay's machine: `ss -ltnp` shows who has it; end that, or choose another port"),
    ErrorEntry(
      "no-free-port", "The relay has no free TCP port", status: 429, exit: .taken,
      meaning: "All ports of the relay's range are held by accounts or used by other programs.",
      fix: "release one with `tunnel domains release tcp://…`, or ask for more in `--tcp-ports`"),
  ]
}
