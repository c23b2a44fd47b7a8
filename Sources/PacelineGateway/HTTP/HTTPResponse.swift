package import NIOCore
package import NIOHTTP1

/// A whole answer.
package struct HTTPResponse: Sendable, Equatable {
    package var status: HTTPResponseStatus
    package var headers: HTTPHeaders
    package var body: ByteBuffer

    package init(status: HTTPResponseStatus, headers: HTTPHeaders, body: ByteBuffer) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer whose body is `value` as JSON.
    package static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) throws -> HTTPResponse {
        let bytes = try JSON.encode(value)
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: "application/json")
        headers.add(name: "content-length", value: "\(bytes.count)")
        return HTTPResponse(status: status, headers: headers, body: ByteBuffer(bytes: bytes))
    }

    /// The answer that tells a client of `error`.
    package static func error(_ error: GatewayError) throws -> HTTPResponse {
        var response = try json(ErrorBody(error), status: error.status)
        if let seconds = error.retryAfter { response.headers.add(name: "retry-after", value: "\(seconds)") }
        if let allow = error.allow { response.headers.add(name: "allow", value: allow) }
        return response
    }
}
