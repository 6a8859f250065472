import Hummingbird
import TunnelCore

/// The agent's API below `/api`, for this machine's own programs and pages (product.md, section 7).
package struct AgentAPI: Sendable {
  typealias Context = BasicRequestContext

  /// How the agent is.
  let status: @Sendable () -> JSONText
  /// Asks the relay to give this agent its domains; answers once the relay has decided.
  let take: @Sendable () async throws(UserError) -> JSONText

  package init(
    status: @escaping @Sendable () -> JSONText,
    take: @escaping @Sendable () async throws(UserError) -> JSONText
  ) {
    self.status = status
    self.take = take
  }

  var router: Router<Context> {
    let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: GateMiddleware())
    let api = router.group("/api")
    api.get("/status") { _, _ in Response(status: .ok, json: status().line) }
    api.post("/take") { _, _ in Response(status: .ok, json: try await take().line) }
    return router
  }
}

/// Lets in only whom `Visitor` lets in, whatever the path, and turns that and whatever is thrown
/// below into problem JSON (RFC 9457).
struct GateMiddleware: RouterMiddleware {
  typealias Context = AgentAPI.Context

  func handle(
    _ request: Request, context: Context,
    next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      if let why = visitor(request).refusal {
        throw UserError(code: "web-stranger", message: why)
      }
      return try await next(request, context)
    } catch let error as UserError {
      return Response(Problem(error))
    } catch let error as any HTTPResponseError {
      var problem = Problem(Refusal(.badRequest, error.status.reasonPhrase))
      problem.status = error.status.code
      return Response(problem)
    }
  }

  private func visitor(_ request: Request) -> Visitor {
    Visitor(
      host: request.head.authority, origin: request.headers[.origin],
      site: request.headers.first { $0.name.canonicalName == "sec-fetch-site" }?.value)
  }
}

extension Response {
  fileprivate init(status: HTTPResponse.Status, json: String, type: String = "application/json") {
    // A status that a cache kept would lie.
    self.init(
      status: status, headers: [.contentType: type, .cacheControl: "no-store"],
      body: .init(byteBuffer: ByteBuffer(string: json + "\n")))
  }

  fileprivate init(_ problem: Problem) {
    self.init(
      status: .init(code: problem.status), json: problem.json(instance: nil),
      type: "application/problem+json")
  }
}
