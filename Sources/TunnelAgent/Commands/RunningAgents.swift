import Inspection
import NIOCore
import NIOPosix
import SessionLink
import TunnelCore

/// The running agents of this user, found by their port files, or the one at an address. Asked all
/// at once; each has two seconds for its status.
package struct RunningAgents: Sendable {
  package struct Choice: Sendable {
    package var domain: String?
    package var webAddress: WebAddress?

    /// Throws `usage` for what is no name or address.
    package init(domain: String?, webAddress: String?) throws(UserError) {
      if let domain {
        if let address = TCPAddress(domain) {
          self.domain = address.name
        } else {
          self.domain = try Sourced(domain, .flag("--domain")).read(DomainWish.init(_:))
            .value.description
        }
      }
      if let webAddress {
        self.webAddress = try Sourced(webAddress, .flag("--web-addr"))
          .read { text throws(ValueFault) in try WebAddress(text) }.value
      }
    }
  }

  private static let patience = TimeAmount.seconds(2)
  /// Longer than an agent waits for the relay.
  private static let takePatience = TimeAmount.seconds(12)

  let folder: String

  package init(_ places: SettingsPlaces) {
    folder = Folders(environment: places.environment).runtime
  }

  /// At least one. Throws `no-agent` where there is none, or none that fits.
  package func find(_ choice: Choice) async throws(UserError) -> [StatusReport] {
    if let address = choice.webAddress {
      guard let report = await Self.status(at: address).report else {
        throw UserError(code: "no-agent", message: "no agent answers at \(address)")
      }
      return [report]
    }
    let all = try await reports()
    guard let domain = choice.domain else {
      guard !all.isEmpty else { throw UserError(code: "no-agent", message: "no agent is running") }
      return all
    }
    let fitting = all.filter { $0.serves(domain) }
    guard !fitting.isEmpty else {
      let others = all.isEmpty ? "" : "; `tunnel status` lists those that run"
      throw UserError(
        code: "no-agent", message: "no running agent is for \(domain)\(others)")
    }
    return fitting
  }

  private func reports() async throws(UserError) -> [StatusReport] {
    let folder: PortFolder
    do {
      guard let found = try PortFolder(reading: self.folder) else { return [] }
      folder = found
    } catch {
      throw UserError(
        code: "no-agent", message: "\(error.path) cannot be used: \(error.why)",
        fix: "mend or remove that folder, or say --web-addr")
    }
    let found = await withTaskGroup(of: StatusReport?.self) { group -> [StatusReport] in
      for file in folder.files {
        group.addTask { await Self.report(file, folder) }
      }
      return await group.reduce(into: []) { all, report in
        if let report { all.append(report) }
      }
    }
    return found.sorted { $0.pid < $1.pid }
  }

  /// Nil where the file is of no agent any more; then it is removed, for the number of a process
  /// that is gone may be another's now.
  private static func report(
    _ file: PortFile.Content, _ folder: PortFolder
  ) async -> StatusReport? {
    guard let address = try? WebAddress(file.webAddress) else { return nil }
    switch await status(at: address) {
    case .agent(let report) where report.pid == file.pid: return report
    case .silence: return StatusReport(silent: file)
    case .agent, .stranger:
      folder.remove(file.name)
      return nil
    }
  }

  private enum Found {
    case agent(StatusReport)
    /// Something listens and says nothing: an agent that is stopped (SIGSTOP), most likely.
    case silence
    case stranger

    var report: StatusReport? {
      if case .agent(let report) = self { report } else { nil }
    }
  }

  private static func status(at address: WebAddress) async -> Found {
    do {
      let answer = try await ask("GET", "/api/status", at: address, within: patience)
      return StatusReport(answer.body).map(Found.agent) ?? .stranger
    } catch {
      return error == .silent || error == .timedOut ? .silence : .stranger
    }
  }

  /// What the agent says to `POST /api/take`.
  static func take(at address: WebAddress) async throws(DialFault) -> RelayAPI.Answer {
    try await ask("POST", "/api/take", at: address, within: takePatience)
  }

  private static func ask(
    _ method: String, _ path: String, at address: WebAddress, within time: TimeAmount
  ) async throws(DialFault) -> RelayAPI.Answer {
    var dialer = Dialer(host: address.dialHost, port: address.port)
    dialer.connectTimeout = patience
    dialer.answerTimeout = time
    let request = OneShot.bytes(method, path, host: "\(address)", fields: [])
    do {
      return try await OneShot.answer(dialer, request)
    } catch {
      throw error as? DialFault ?? .broken("\(error)")
    }
  }
}

extension StatusReport {
  /// Whether it is for this name, given whole or as its first label.
  func serves(_ domain: String) -> Bool {
    endpoints.contains { endpoint in
      guard let name = endpoint.domain else { return false }
      return name == domain || (!domain.contains(".") && name.hasPrefix(domain + "."))
    }
  }
}
