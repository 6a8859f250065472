/// One login that asks to serve an endpoint (product.md, "Takeover").
package struct Contender: Sendable, Equatable {
  /// What it does about another one that has the endpoint (`--if-taken`).
  package enum Manner: UInt8, Sendable, CaseIterable {
    /// A new instance takes it, one that was away for too long waits.
    case replace = 0
    /// It waits.
    case standby = 1
    /// It gives up, if the other one is there.
    case fail = 2
    /// `tunnel take`: it takes the endpoint whatever epoch it held.
    case take = 3
  }

  package var install: ID
  package var instance: ID
  /// The login itself: an instance that dials again comes with a new one.
  package var session: ID
  /// For people, `ann@macbook`. It came off the network.
  package var label: String
  /// The epoch that its instance last held here; `.never` for one that is new.
  package var heldEpoch: Epoch
  package var manner: Manner
  /// Unix time in milliseconds, for people.
  package var since: UInt64

  package init(
    install: ID, instance: ID, session: ID, label: String, heldEpoch: Epoch = .never,
    manner: Manner = .replace, since: UInt64 = 0
  ) {
    self.install = install
    self.instance = instance
    self.session = session
    self.label = label
    self.heldEpoch = heldEpoch
    self.manner = manner
    self.since = since
  }
}

/// A session that lost its place by somebody else's claim, and what it is told.
package struct Displaced: Sendable, Equatable {
  package enum Notice: Sendable {
    /// Nothing: a newer login of the same instance is in its place.
    case silent
    /// `replaced`: a newer instance of its install serves; the agent ends.
    case replaced
    /// `standby`: an agent of another install serves; it waits.
    case standby
  }

  package let session: ID
  package let notice: Notice

  package init(session: ID, notice: Notice) {
    self.session = session
    self.notice = notice
  }
}

/// A standby that serves from now on, because the owner left.
package struct Promotion: Sendable, Equatable {
  package let owner: Contender
  package let epoch: Epoch
}
