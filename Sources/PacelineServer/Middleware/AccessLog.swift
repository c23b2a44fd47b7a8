import HTTPTypes
import Hummingbird
import Logging
import PacelineCluster
import Synchronization

/// Writes one line about every request, when its answer has ended; nothing about probes.
struct AccessLog: RouterMiddleware {
    let routes: RouteTable
    let logger: Logger

    func handle(
        _ request: Request,
        context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        guard !routes.isProbe(request.uri.path) else { return try await next(request, context) }
        let start = ContinuousClock.now
        var response = try await next(request, context)
        let line = Line(request: request, status: response.status, start: start, context: context)
        guard response.body.contentLength == nil else {
            write(line)
            return response
        }
        let body = response.body
        response.body = ResponseBody { writer in
            do {
                try await body.write(writer)
            } catch {
                write(line, isCut: true)
                throw error
            }
            write(line)
        }
        return response
    }

    private struct Line {
        let request: Request
        let status: HTTPResponse.Status
        let start: ContinuousClock.Instant
        let context: ServerContext
    }

    /// - Parameter isCut: whether the client went away before the answer had ended.
    private func write(_ line: Line, isCut: Bool = false) {
        let milliseconds = (line.start.duration(to: .now) / .milliseconds(1)).rounded()
        var metadata: Logger.Metadata = [
            "id": "\(line.context.requestID)", "method": "\(line.request.method.rawValue)",
            "path": "\(line.request.uri.path.prefix(200))", "status": "\(line.status.code)",
            "ms": "\(Int(milliseconds))", "trace_id": "\(line.context.trace.traceID)",
        ]
        if let tokens = line.context.tally.tokens { metadata["tokens"] = "\(tokens)" }
        if isCut { metadata["cut"] = "true" }
        logger.info("request", metadata: metadata)
    }
}

/// What an endpoint tells the access log about a request.
package final class RequestTally: Sendable {
    private let count = Mutex<Int?>(nil)

    package init() {}

    /// The tokens that were generated; nil if nobody counted.
    var tokens: Int? { count.withLock { $0 } }

    /// Adds generated tokens.
    package func add(tokens: Int) {
        count.withLock { $0 = ($0 ?? 0) + tokens }
    }
}
