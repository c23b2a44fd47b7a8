import HTTPTypes
import Hummingbird
import PacelineCluster

/// Gives every request an `x-request-id`, the client's own if it has a sane one, and returns it with the answer. Takes
/// the trace of its `traceparent` if that is valid.
struct RequestIdentity: RouterMiddleware {
    /// The most bytes of an id.
    static let limit = 128

    func handle(
        _ request: Request,
        context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.requestID = request.headers[.xRequestID].flatMap { Self.isSane($0) ? $0 : nil } ?? Self.random()
        if let trace = request.headers[.traceparent].flatMap(TraceContext.init(traceparent:)) { context.trace = trace }
        var response = try await next(request, context)
        response.headers[.xRequestID] = context.requestID
        return response
    }

    /// Whether an id can go into logs and headers as it is.
    static func isSane(_ id: String) -> Bool {
        (1...limit).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    private static func random() -> String {
        "req-" + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}
