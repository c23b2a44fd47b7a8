package import HTTPTypes
package import NIOCore
import PacelineServer

/// A client's request as the gateway passes it on.
package struct ProxiedCall: Sendable {
    package let method: HTTPRequest.Method
    /// The path and the query.
    package let path: String
    /// Those that a verifier should see.
    package let headers: HTTPFields
    package let body: ByteBuffer
    /// What it asks to have generated; nil for other requests, and for bodies that no verifier understands.
    let generation: GenerationOutline?

    /// - Parameters:
    ///   - generates: whether the path is one that generates tokens.
    ///   - drawnSeed: the seed of the answer if the request has none.
    package init(
        method: HTTPRequest.Method,
        path: String,
        headers: HTTPFields,
        body: ByteBuffer,
        generates: Bool,
        drawnSeed: UInt64
    ) {
        (self.method, self.path, self.body) = (method, path, body)
        self.headers = headers
        generation = generates ? GenerationOutline(body, headers: headers, drawnSeed: drawnSeed) : nil
    }

    /// The call that begins the answer, or goes on with it.
    func call(resuming point: ResumePoint?) -> UpstreamCall {
        UpstreamCall(
            method: method,
            path: path,
            headers: headers,
            body: generation?.body(of: body, resuming: point) ?? body
        )
    }
}

/// A request to a replica.
package struct UpstreamCall: Sendable {
    package let method: HTTPRequest.Method
    package let path: String
    package let headers: HTTPFields
    package let body: ByteBuffer
}
