import HTTPTypes
package import NIOCore
package import NIOHTTP1

/// A whole answer.
package struct PlainResponse: Sendable, Equatable {
    package var status: HTTPResponseStatus
    package var headers: HTTPHeaders
    package var body: ByteBuffer

    package init(status: HTTPResponseStatus, headers: HTTPHeaders, body: ByteBuffer) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer whose body is `value` as JSON.
    package static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) throws -> PlainResponse {
        PlainResponse(ByteBuffer(bytes: try JSON.encode(value)), contentType: "application/json", status: status)
    }

    /// An answer whose body is `text`.
    package static func text(_ text: String, contentType: String) -> PlainResponse {
        PlainResponse(ByteBuffer(string: text), contentType: contentType, status: .ok)
    }

    private init(_ body: ByteBuffer, contentType: String, status: HTTPResponseStatus) {
        self.status = status
        self.body = body
        headers = ["content-type": contentType, "content-length": "\(body.readableBytes)"]
    }

    /// The answer that tells a client of `error`.
    package static func error(_ error: GatewayError) throws -> PlainResponse {
        var response = try json(
            ErrorBody(APIError(status: .badRequest, message: error.message, type: error.type, param: nil)),
            status: error.status
        )
        if let seconds = error.retryAfter { response.headers.add(name: "retry-after", value: "\(seconds)") }
        if let allow = error.allow { response.headers.add(name: "allow", value: allow) }
        return response
    }
}
