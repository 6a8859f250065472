import Glibc
import Inspection
import Logging
import NIOCore
import SessionLink
import Synchronization
import TunnelCore

/// The agent's web address and the file that tells where it is, from start to end. A tunnel does
/// not depend on it: what goes wrong here is a warning.
final class AgentWeb: Sendable {
  private struct Parts {
    var server: WebServer?
    var file: PortFile?
  }

  private let parts: Mutex<Parts>

  private init(_ server: WebServer, _ file: sending PortFile?) {
    parts = Mutex(Parts(server: server, file: file))
  }

  /// Returns once it answers; nil where there is none.
  static func start(
    _ settings: AgentSettings, _ board: StatusBoard, _ taking: Taking, _ logger: Logger,
    warn: (String) -> Void
  ) async -> AgentWeb? {
    guard let wanted = settings.webAddress else { return nil }
    let place = Mutex(wanted)
    let api = AgentAPI(
      status: { board.report(at: place.withLock { $0 }).json },
      take: { () async throws(UserError) in
        let outcome = try await taking.take()
        let report = board.report(at: place.withLock { $0 })
        return report.json(and: ("took", .bool(outcome == .served)))
      })
    let server: WebServer
    do {
      // What an answer runs through is two megabytes of code that a tunnel has no use for.
      server = try await WebServer.start(wanted, api, rest: StartupCode.giveBack)
    } catch {
      warn("no web address at \(wanted): \(error.words); `tunnel status` cannot ask this agent")
      return nil
    }
    place.withLock { $0 = server.address }
    logger.info(
      "starting web service", metadata: ["obj": "web", "addr": "\(server.address)"])
    if wanted.port != 0, server.address != wanted {
      warn("port \(wanted.port) is taken: the agent's web address is \(server.address.url)")
    }
    let web = AgentWeb(server, file(settings, server, board, warn))
    board.whenDomainsChange { web.writeAnew(board) }
    return web
  }

  private static func file(
    _ settings: AgentSettings, _ server: WebServer, _ board: StatusBoard, _ warn: (String) -> Void
  ) -> sending PortFile? {
    do {
      return try PortFile(
        in: PortFolder(making: settings.folders.runtime),
        PortFile.Content(
          pid: getpid(), webAddress: "\(server.address)", domains: board.status.domains))
    } catch {
      warn("\(error.path): \(error.why); `tunnel status` needs --web-addr \(server.address)")
      return nil
    }
  }

  /// Off the loop of whoever says so, for a folder may be slow; the names are read when it is
  /// done, so that the last ones stay.
  private func writeAnew(_ board: StatusBoard) {
    Task { parts.withLock { $0.file?.domains(board.status.domains) } }
  }

  /// The file first: nobody should be sent to an address that does not answer.
  func stop() {
    parts.withLock { parts in
      parts.file?.remove()
      parts.server?.stop()
    }
  }
}

extension WebFault {
  fileprivate var words: String {
    switch self {
    case .noFreePort: "it is taken, and so are the ports behind it"
    case .unusable(let why): why
    }
  }
}

extension StatusBoard {
  func report(at address: WebAddress) -> StatusReport {
    StatusReport(status, pid: getpid(), webAddress: "\(address)", at: .now)
  }
}
