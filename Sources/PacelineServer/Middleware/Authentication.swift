import HTTPTypes
import Hummingbird

/// Lets only those in who have a key; probes need none.
struct Authentication: RouterMiddleware {
    let keys: APIKeys
    let routes: RouteTable

    func handle(
        _ request: Request,
        context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        guard !routes.isProbe(request.uri.path) else { return try await next(request, context) }
        guard let key = Self.key(of: request) else {
            throw APIError.invalidKey("this server needs an API key; send it as authorization: Bearer KEY or x-api-key")
        }
        guard let tenant = keys.tenant(of: key) else {
            throw APIError.invalidKey("the API key is not one of this server's; check it")
        }
        var context = context
        context.tenant = tenant
        return try await next(request, context)
    }

    private static func key(of request: Request) -> String? {
        if let key = request.headers[.xAPIKey] { return key }
        // Some routers send the field twice, with the same words.
        let fields = Set(request.headers[values: .authorization])
        let words = fields.count == 1 ? fields.first?.split(separator: " ") ?? [] : []
        return words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : nil
    }
}
