import SessionLink

#if canImport(Glibc)
  import Glibc
#endif

/// What a starting relay got from whoever started it, by systemd's convention (sd_listen_fds(3)):
/// `LISTEN_FDS` descriptors from 3 on, named in `LISTEN_FDNAMES`, for the process `LISTEN_PID`.
///
/// systemd passes listening sockets. A relay that hands over passes those, and two descriptors that
/// only it can: the lock of the data directory and its end of the wire between the two. It cannot
/// know its successor's id beforehand, so it says its own in `RELAY_PREDECESSOR`: whoever has that
/// one for a parent is meant.
package struct InheritedDescriptors: Sendable, Equatable {
  /// More than a relay could use; one that hands over passes its TCP endpoints' sockets too.
  static let most: Int32 = 64

  package static let names = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "RELAY_PREDECESSOR"]
  static let lockName = "data-lock"
  static let wireName = "predecessor"
  static let listenerName = "relay"
  /// Also systemd's (`FileDescriptorName=redirect`): the socket of `--redirect-listen`.
  static let redirectName = "redirect"
  /// Stands before the number of a TCP endpoint's port.
  static let portName = "tcp-"

  /// Sockets that listen already.
  package private(set) var listeners: [Int32] = []
  /// The same, of the listener that only redirects.
  private(set) var redirects: [Int32] = []
  /// The same, of TCP endpoints, by port.
  private(set) var ports: [Int: Int32] = [:]
  private(set) var lock: Int32?
  /// The way to the relay that hands over.
  private(set) var wire: Int32?

  package static let none = InheritedDescriptors()

  init(
    listeners: [Int32] = [], redirects: [Int32] = [], lock: Int32? = nil, wire: Int32? = nil
  ) {
    self.listeners = listeners
    self.redirects = redirects
    self.lock = lock
    self.wire = wire
  }

  /// Nothing, if what stands there is meant for another process or makes no sense.
  package init(pid: Int32, parent: Int32, _ environment: (String) -> String?) {
    let isSuccessor = environment("RELAY_PREDECESSOR").flatMap { Int32($0) } == parent
    guard isSuccessor || environment("LISTEN_PID").flatMap({ Int32($0) }) == pid,
      let count = environment("LISTEN_FDS").flatMap({ Int32($0) }), count > 0,
      count <= Self.most + (isSuccessor ? Int32(TCPOffer.mostPorts) : 0)
    else { return }
    let names = (environment("LISTEN_FDNAMES") ?? "").split(
      separator: ":", omittingEmptySubsequences: false)
    for place in 0..<count {
      let name = Int(place) < names.count ? String(names[Int(place)]) : ""
      let descriptor = Spawn.first + place
      switch name {
      case Self.lockName where isSuccessor: lock = descriptor
      case Self.wireName where isSuccessor: wire = descriptor
      case Self.redirectName: redirects.append(descriptor)
      default:
        if isSuccessor, name.hasPrefix(Self.portName),
          let port = Int(name.dropFirst(Self.portName.count))
        {
          ports[port] = descriptor
        } else {
          listeners.append(descriptor)
        }
      }
    }
  }

  /// A relay hands over to this one.
  var isSuccessor: Bool { wire != nil }

  var all: [Int32] { listeners + redirects + ports.values + [lock, wire].compactMap(\.self) }

  /// They are this process's own from now on.
  func keep() {
    for descriptor in all { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }
}
