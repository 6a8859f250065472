import FoundationEssentials
import TunnelCore

/// The relay's HTTP API (`/api/v1/…`) as one-shot commands use it.
///
/// How a request travels is a closure, so that a command is tested without a socket. Throws
/// `UserError`: 69 `relay-unreachable` or `relay-answer`, and whatever the relay's problem says.
package struct RelayAPI: Sendable {
  package struct Request: Sendable, Equatable {
    package let method: String
    package let path: String
    package let token: String
    package var body: [UInt8]?
  }

  package struct Answer: Sendable, Equatable {
    package let status: Int
    package let body: [UInt8]

    package init(status: Int, body: [UInt8]) {
      self.status = status
      self.body = body
    }
  }

  package typealias Exchange =
    @Sendable (RelayAddress, Request) async throws(UserError) -> Answer

  package let relay: RelayAddress
  private let token: Authtoken
  private let exchange: Exchange

  package init(_ relay: RelayAddress, _ token: Authtoken, exchange: @escaping Exchange) {
    self.relay = relay
    self.token = token
    self.exchange = exchange
  }

  package func get<Value: Decodable>(_ path: String) async throws(UserError) -> Value {
    try decode(await ask("GET", path))
  }

  package func post<Value: Decodable>(
    _ path: String, _ body: JSONText
  ) async throws(UserError) -> Value {
    try decode(await ask("POST", path, Array(body.line.utf8)))
  }

  package func delete(_ path: String) async throws(UserError) {
    _ = try await ask("DELETE", path)
  }

  /// A 2xx answer; anything else is thrown.
  private func ask(
    _ method: String, _ path: String, _ body: [UInt8]? = nil
  ) async throws(UserError) -> Answer {
    let request = Request(method: method, path: path, token: token.reveal(), body: body)
    let answer = try await exchange(relay, request)
    guard (200..<300).contains(answer.status) else {
      throw RelayProblem.error(answer, relay: relay)
    }
    return answer
  }

  private func decode<Value: Decodable>(_ answer: Answer) throws(UserError) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(answer.body))
    } catch {
      throw RelayProblem.stranger(answer, relay: relay)
    }
  }
}

/// The relay's no (`application/problem+json`, RFC 9457) as an error of a command.
enum RelayProblem {
  private struct Body: Decodable {
    let code: String
    let detail: String?
    let fix: String?
  }

  static func error(_ answer: RelayAPI.Answer, relay: RelayAddress) -> UserError {
    if let error = error(answer) { return error }
    return answer.status == 401 ? refused(relay) : stranger(answer, relay: relay)
  }

  /// Nil for what is no problem of ours.
  static func error(_ answer: RelayAPI.Answer) -> UserError? {
    guard let body = try? JSONDecoder().decode(Body.self, from: Data(answer.body)) else {
      return nil
    }
    let entry = ErrorCatalogue.entry(body.code)
    return UserError(
      code: body.code, message: body.detail ?? entry?.title ?? "the answer was \(answer.status)",
      fix: body.fix, exit: entry?.exit.flatMap(ExitCode.init) ?? exit(answer.status))
  }

  /// An answer that no relay gives.
  static func stranger(_ answer: RelayAPI.Answer, relay: RelayAddress) -> UserError {
    UserError(
      code: "relay-answer",
      message: "\(relay) answered \(answer.status), but not as a tunnel relay does",
      fix: "check the address, and what stands in front of the relay", exit: .unavailable)
  }

  private static func refused(_ relay: RelayAddress) -> UserError {
    UserError(
      code: "authtoken-refused", message: "\(relay) does not know this authtoken",
      fix: "`tunnel login \(relay)` with a token from the relay's operator",
      exit: .authentication)
  }

  /// For codes that a command never ends with otherwise.
  private static func exit(_ status: Int) -> ExitCode {
    switch status {
    case 401, 403: .authentication
    case 426: .configuration
    case 502, 503, 504: .unavailable
    default: .other
    }
  }
}
