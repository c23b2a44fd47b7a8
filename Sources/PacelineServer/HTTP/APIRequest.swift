package import HTTPTypes
package import NIOCore
package import PacelineCluster

/// A request as an endpoint sees it: whole, within the limits, and from somebody who may ask.
package struct APIRequest: Sendable {
    /// The `x-request-id` of request and answer.
    package let id: String
    /// Whose API key it has: a name that says nothing about the key.
    package let tenant: Tenant
    /// The trace that it belongs to.
    package let trace: TraceContext
    package let method: HTTPRequest.Method
    /// Without the query.
    package let path: String
    /// The part of the path that the route leaves open, such as a model's name.
    package let name: String?
    /// What the path's query says; the first value of each name.
    package let query: [String: String]
    package let headers: HTTPFields
    package let body: ByteBuffer
    /// Takes what the access log should tell.
    package let tally: RequestTally

    package init(
        id: String,
        tenant: Tenant = .anonymous,
        trace: TraceContext = .random(),
        method: HTTPRequest.Method = .post,
        path: String = "/",
        name: String? = nil,
        query: [String: String] = [:],
        headers: HTTPFields = [:],
        body: ByteBuffer,
        tally: RequestTally = RequestTally()
    ) {
        self.id = id
        self.tenant = tenant
        self.trace = trace
        self.method = method
        self.path = path
        self.name = name
        self.query = query
        self.headers = headers
        self.body = body
        self.tally = tally
    }
}
