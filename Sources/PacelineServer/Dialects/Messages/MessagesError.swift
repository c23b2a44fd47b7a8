import HTTPTypes

/// Errors as Anthropic's API has them.
enum MessagesError {
    /// Whether an error at a path is told in this form.
    static func isUsed(at path: String) -> Bool { path == "/v1/messages" || path.hasPrefix("/v1/messages/") }

    /// The body of an error's answer, or of an event.
    static func body(_ error: ErrorBody.Detail, status: HTTPResponse.Status) -> JSONValue {
        // There is no field for the name of the parameter.
        let named = error.param.map { names($0, error.message) ? error.message : "\($0): \(error.message)" }
        let message = named ?? error.message
        return [
            "type": "error", "error": ["type": .string(type(error, status)), "message": .string(message)],
        ]
    }

    /// Whether a message names a field, be it as `FIELD at $.place`.
    private static func names(_ field: String, _ message: String) -> Bool {
        message.contains(field) || message.replacing(" at $", with: "", maxReplacements: 1).hasPrefix(field)
    }

    private static func type(_ error: ErrorBody.Detail, _ status: HTTPResponse.Status) -> String {
        switch status.code {
        case 401: "authentication_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 503: "overloaded_error"
        case 500...: error.type == "server_error" ? "api_error" : named(error.type)
        default: "invalid_request_error"
        }
    }

    /// For events in a stream, whose status says nothing.
    private static func named(_ type: String) -> String {
        switch type {
        case "invalid_request_error", "not_found_error": type
        case "overloaded_error", "unavailable_error": "overloaded_error"
        default: "api_error"
        }
    }
}
