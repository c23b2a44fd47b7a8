package import HTTPTypes

/// The answer to a request that cannot be served: an HTTP status, OpenAI's error fields and one plain sentence.
package struct APIError: Error, Hashable, Sendable, CustomStringConvertible {
    package var status: HTTPResponse.Status
    package var message: String
    /// OpenAI's error type.
    package var type: String
    /// The field of the request that is at fault.
    package var param: String?
    /// OpenAI's name of the fault, for programs.
    package var code: String?
    /// Seconds after which a retry may succeed.
    package var retryAfter: Int?
    /// For 405: the methods that the path supports.
    package var allow: String?

    package init(
        status: HTTPResponse.Status,
        message: String,
        type: String,
        param: String? = nil,
        code: String? = nil,
        retryAfter: Int? = nil,
        allow: String? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.retryAfter = retryAfter
        self.allow = allow
    }

    package var description: String { message }

    /// 400: the request is invalid.
    package static func invalidRequest(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
        APIError(status: .badRequest, message: message, type: "invalid_request_error", param: param, code: code)
    }

    /// 404: the path or model does not exist.
    package static func notFound(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
        APIError(status: .notFound, message: message, type: "not_found_error", param: param, code: code)
    }

    /// 405: the path has other methods.
    package static func methodNotAllowed(_ message: String, allow: String) -> APIError {
        APIError(status: .methodNotAllowed, message: message, type: "invalid_request_error", allow: allow)
    }

    /// 408: the request did not come to its end in time.
    package static func requestTimeout() -> APIError {
        APIError(
            status: .requestTimeout,
            message: "the rest of the request did not come in time; send it again",
            type: "invalid_request_error"
        )
    }

    /// 413: the body exceeds `limit` bytes.
    package static func bodyTooLarge(limit: Int) -> APIError {
        APIError(
            status: .contentTooLarge,
            message: "the request body may have at most \(limit) bytes; shorten the prompt",
            type: "invalid_request_error"
        )
    }

    /// 429: no capacity is left.
    package static func overloaded(_ message: String, retryAfter: Int) -> APIError {
        APIError(status: .tooManyRequests, message: message, type: "overloaded_error", retryAfter: retryAfter)
    }

    /// 503: not ready, or shutting down.
    package static func unavailable(_ message: String, retryAfter: Int) -> APIError {
        APIError(status: .serviceUnavailable, message: message, type: "unavailable_error", retryAfter: retryAfter)
    }

    /// 500: an error of the server itself.
    package static func internalError(_ message: String) -> APIError {
        APIError(status: .internalServerError, message: message, type: "server_error")
    }
}

/// OpenAI's JSON form of an error.
package struct ErrorBody: Codable, Sendable, Hashable {
    package struct Detail: Codable, Sendable, Hashable {
        package var message: String
        package var type: String
        package var param: String?
        package var code: String?

        enum CodingKeys: CodingKey {
            case message, type, param, code
        }

        /// All four keys are always there, because typed clients read them without asking.
        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(message, forKey: .message)
            try container.encode(type, forKey: .type)
            try container.encode(param, forKey: .param)
            try container.encode(code, forKey: .code)
        }
    }

    package var error: Detail

    package init(_ error: APIError) {
        self.error = Detail(message: error.message, type: error.type, param: error.param, code: error.code)
    }
}
