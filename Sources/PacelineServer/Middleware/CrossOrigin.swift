import HTTPTypes
import Hummingbird

/// Lets scripts of other origins use the server (Fetch Standard, section 3.2), and answers browsers that ask first.
struct CrossOrigin: RouterMiddleware {
    /// Seconds for which a browser need not ask again.
    private static let maximumAge = 600

    /// The origin that may; `*` for all.
    let origin: String

    func handle(
        _ request: Request,
        context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        guard request.headers[.origin] != nil else { return try await next(request, context) }
        let method = request.headers[.accessControlRequestMethod]
        var response =
            if request.method == .options, let method {
                Response(status: .noContent, headers: Self.permission(for: method, request))
            } else {
                try await next(request, context)
            }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] = "x-request-id, retry-after, paceline-seed"
        if origin != "*" { response.headers[values: .vary].append("Origin") }
        return response
    }

    /// Whatever headers a client library sends are allowed: those that matter are checked anyway.
    private static func permission(for method: String, _ request: Request) -> HTTPFields {
        [
            .accessControlAllowMethods: method,
            .accessControlAllowHeaders: request.headers[.accessControlRequestHeaders] ?? "authorization, content-type",
            .accessControlMaxAge: "\(maximumAge)",
        ]
    }
}
