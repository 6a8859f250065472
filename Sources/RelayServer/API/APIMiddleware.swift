import Hummingbird
import RelayStore
import TunnelCore

/// Lets in only who shows a valid authtoken (RFC 6750, section 2.1).
struct AccountGuard: RouterMiddleware {
  typealias Context = RelayAPI.Context
  let store: RelayStore

  func handle(
    _ request: Request, context: Context,
    next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var context = context
    guard let value = request.headers[.authorization], value.lowercased().hasPrefix("bearer ")
    else {
      throw UserError(
        code: "authtoken-missing", message: "this needs an authtoken",
        fix: "send `Authorization: Bearer AUTHTOKEN`", exit: .authentication)
    }
    context.login = try await store.login(String(value.dropFirst(7)))
    return try await next(request, context)
  }
}

/// Turns what is thrown below into problem JSON (RFC 9457) with our code and fix.
struct ProblemMiddleware: RouterMiddleware {
  typealias Context = RelayAPI.Context

  func handle(
    _ request: Request, context: Context,
    next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as any HTTPResponseError {
      var problem = Problem(Refusal(.badRequest, error.status.reasonPhrase))
      problem.status = error.status.code
      return answer(problem.status, problem)
    } catch {
      let problem = Problem(UserError(relay: error))
      return answer(problem.status, problem)
    }
  }

  private func answer(_ status: Int, _ problem: Problem) -> Response {
    Response(
      status: .init(code: status),
      headers: [.contentType: "application/problem+json"],
      body: .init(byteBuffer: ByteBuffer(string: problem.json(instance: nil))))
  }
}

extension UserError {
  /// What the relay's own faults are called where people meet them.
  init(relay error: any Error) {
    switch error {
    case let error as UserError: self = error
    case let error as StoreFault: self = error.userError
    default:
      self.init(
        code: "internal", message: "the relay failed: \(error)",
        fix: "look at the relay's log", exit: .other)
    }
  }
}
