import Inspection
import TunnelCore

/// `tunnel status` and `tunnel take`: what the running agents say.
package enum AgentCommands {
  /// Lists them all; the exit code is the worst one's.
  package static func status(
    _ choice: RunningAgents.Choice, _ agents: RunningAgents, json: Bool, _ terminal: Terminal
  ) async throws(UserError) -> ExitCode {
    let reports = try await agents.find(choice)
    for report in reports {
      if json {
        terminal.line(report.json)
      } else {
        for line in StatusLines.of(report) { terminal.line(line) }
      }
    }
    return reports.allSatisfy { $0.state == .online } ? .ok : .temporary
  }

  /// Throws `usage` where several agents fit, with their names.
  package static func take(
    _ choice: RunningAgents.Choice, _ agents: RunningAgents, _ terminal: Terminal
  ) async throws(UserError) {
    let reports = try await agents.find(choice)
    guard let report = reports.first, reports.count == 1 else {
      let names = reports.map { "  \($0.names) (--web-addr \($0.webAddress))" }
      let more = names.count > 2 ? ["  and \(names.count - 2) more: `tunnel status`"] : []
      throw CommandGrammar.usage(
        "\(reports.count) agents are running; which one is to take its domain?",
        fix: (["choose one with --domain:"] + names.prefix(2 - more.count) + more)
          .joined(separator: "\n"))
    }
    let address: WebAddress
    let answer: RelayAPI.Answer
    do {
      address = try WebAddress(report.webAddress)
      answer = try await RunningAgents.take(at: address)
    } catch {
      throw UserError(
        code: "not-connected", message: "the agent (pid \(report.pid)) does not answer")
    }
    guard answer.status == 200, let after = StatusReport(answer.body) else {
      throw RelayProblem.error(answer)
        ?? UserError(
          code: "not-connected",
          message: "the agent at \(address) answered \(answer.status)")
    }
    for line in StatusLines.of(after) { terminal.line(line) }
  }
}

/// An agent's status for a person: a line for each endpoint, and one that says which agent it is.
enum StatusLines {
  private static let width = 12

  static func of(_ report: StatusReport) -> [String] {
    let wait = report.retryMilliseconds.map { wait in
      wait == 0 ? ", trying now" : ", next try in \(EventLines.seconds(UInt64(clamping: wait))) s"
    }
    let away = report.reason.map { " (\($0))" + (wait ?? "") } ?? ""
    let lines = report.endpoints.map { endpoint in
      let name = endpoint.url ?? endpoint.domain ?? "the first domain"
      let route = name + (endpoint.upstream.map { " -> \($0)" } ?? "")
      return switch endpoint.state {
      case .online: line("online", "\(route), since \(clock(endpoint.since))")
      case .reconnecting: line("reconnecting", route + away)
      case .standby:
        line(
          "standby",
          "\(route), \(endpoint.servedBy ?? "another agent") serves since \(clock(endpoint.since))")
      }
    }
    let relay = report.relay.isEmpty ? "" : "  relay \(report.relay)"
    let about = "pid \(report.pid)  http://\(report.webAddress)\(relay)"
    return (lines.isEmpty ? [line(report.state.rawValue, "no answer" + away)] : lines)
      + [VisibleText.of("  \(about)")]
  }

  private static func line(_ state: String, _ text: String) -> String {
    let padding = String(repeating: " ", count: max(0, width - state.count))
    return VisibleText.of("\(state)\(padding)  \(text)")
  }

  /// `2026-11-21T10:12:13.388Z` as it stands, without the fraction.
  private static func clock(_ time: String?) -> String {
    guard let time, let dot = time.firstIndex(of: ".") else { return time ?? "?" }
    return time[..<dot] + "Z"
  }
}

extension StatusReport {
  fileprivate var names: String {
    let names = endpoints.compactMap(\.domain)
    return names.isEmpty ? "pid \(pid)" : names.joined(separator: ", ")
  }
}
