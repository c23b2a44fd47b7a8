import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1

/// Answers errors in OpenAI's JSON form.
struct ErrorAnswers: RouterMiddleware {
    let logger: Logger

    func handle(
        _ request: Request,
        context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as APIError {
            return try Response(error)
        } catch let error as HTTPParserError {
            // The connection has answered it already.
            throw error
        } catch is CancellationError {
            // The client has gone away, so that nobody reads this.
            return try Response(APIError.internalError("the request was cancelled; send it again"))
        } catch {
            logger.error("request \(context.requestID) failed: \(error)")
            return try Response(APIError.internalError("the server failed: \(error); try again"))
        }
    }
}

extension Response {
    /// The answer that tells a client of `error`.
    init(_ error: APIError) throws {
        try self.init(JSON.encode(ErrorBody(error)), contentType: "application/json", status: error.status)
        if let seconds = error.retryAfter { headers[.retryAfter] = "\(seconds)" }
        if let allow = error.allow { headers[.allow] = allow }
    }

    /// A whole answer.
    init(_ body: [UInt8], contentType: String, status: HTTPResponse.Status) {
        let headers: HTTPFields = [.contentType: contentType, .contentLength: "\(body.count)"]
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
