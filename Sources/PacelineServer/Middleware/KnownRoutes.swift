import HTTPTypes
import Hummingbird

/// Refuses what is not in the table of routes, and everything but probes on a connection beyond the limit.
struct KnownRoutes: RouterMiddleware {
    let routes: RouteTable

    func handle(
        _ request: Request,
        context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let route = try routes.matching(request.method, request.uri.path)
        guard ServerConnection.isBeyondLimit else { return try await next(request, context) }
        guard route.isProbe else {
            throw APIError.unavailable("too many connections are open; try again in a moment", retryAfter: 1)
        }
        return try await next(request, context)
    }
}
