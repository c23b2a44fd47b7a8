package import NIOHTTP1

/// The answer to a request that cannot be served: an HTTP status and one plain sentence.
package struct GatewayError: Error, Hashable, Sendable, CustomStringConvertible {
    package var status: HTTPResponseStatus
    /// OpenAI's error type.
    package var type: String
    package var message: String
    /// Seconds after which a retry may succeed.
    package var retryAfter: Int?
    /// For 405: the methods that the path supports.
    package var allow: String?

    package init(
        status: HTTPResponseStatus,
        type: String,
        message: String,
        retryAfter: Int? = nil,
        allow: String? = nil
    ) {
        self.status = status
        self.type = type
        self.message = message
        self.retryAfter = retryAfter
        self.allow = allow
    }

    package var description: String { message }

    /// 400: the request is invalid.
    package static func invalidRequest(_ message: String) -> GatewayError {
        GatewayError(status: .badRequest, type: "invalid_request_error", message: message)
    }

    /// 404: the path or model does not exist.
    package static func notFound(_ message: String) -> GatewayError {
        GatewayError(status: .notFound, type: "not_found_error", message: message)
    }

    /// 413: the body exceeds `limit` bytes.
    package static func bodyTooLarge(limit: Int) -> GatewayError {
        GatewayError(
            status: .payloadTooLarge,
            type: "invalid_request_error",
            message: "the request body may have at most \(limit) bytes; shorten the prompt"
        )
    }

    /// 429: no capacity is left.
    package static func overloaded(_ message: String, retryAfter: Int) -> GatewayError {
        GatewayError(status: .tooManyRequests, type: "overloaded_error", message: message, retryAfter: retryAfter)
    }

    /// 503: not ready, or shutting down.
    package static func unavailable(_ message: String, retryAfter: Int) -> GatewayError {
        GatewayError(status: .serviceUnavailable, type: "unavailable_error", message: message, retryAfter: retryAfter)
    }

    /// 500: an error of the server itself.
    package static func internalError(_ message: String) -> GatewayError {
        GatewayError(status: .internalServerError, type: "server_error", message: message)
    }
}
