import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1

/// Answers errors in OpenAI's JSON form, or in that of another API.
struct ErrorAnswers: RouterMiddleware {
    let logger: Logger
    /// nil for OpenAI's form.
    let reply: (@Sendable (APIError) -> APIReply)?

    func handle(
        _ request: Request,
        context: ServerContext,
        next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as APIError {
            return try answer(error, request)
        } catch let error as HTTPParserError {
            // The connection has answered it already.
            throw error
        } catch is CancellationError {
            return try answer(APIError.clientLeft, request)
        } catch {
            logger.error("request \(context.requestID) failed: \(error)")
            return try answer(APIError.internalError("the server failed: \(error); try again"), request)
        }
    }

    private func answer(_ error: APIError, _ request: Request) throws -> Response {
        if reply == nil, MessagesError.isUsed(at: request.uri.path) {
            return try Response(error, body: MessagesError.body(ErrorBody(error).error, status: error.status).bytes)
        }
        guard case .whole(let bytes, let contentType, let status, let headers)? = reply?(error) else {
            return try Response(error)
        }
        var response = Response(bytes, contentType: contentType, status: status)
        response.headers.append(contentsOf: headers)
        return response
    }
}

extension Response {
    /// The answer that tells a client of `error`.
    init(_ error: APIError) throws {
        try self.init(error, body: JSON.encode(ErrorBody(error)))
    }

    /// The same in another form.
    init(_ error: APIError, body: [UInt8]) throws {
        self.init(body, contentType: "application/json", status: error.status)
        if let seconds = error.retryAfter { headers[.retryAfter] = "\(seconds)" }
        if let allow = error.allow { headers[.allow] = allow }
        if error.status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
    }

    /// A whole answer.
    init(_ body: [UInt8], contentType: String, status: HTTPResponse.Status) {
        let headers: HTTPFields = [.contentType: contentType, .contentLength: "\(body.count)"]
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension APIError {
    /// Nobody reads this but the access log; the number is nginx's.
    fileprivate static let clientLeft = APIError(
        status: HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request"),
        message: "the client went away",
        type: "server_error"
    )
}
