package import NIOCore
package import PacelineCluster

/// A request as an endpoint sees it: whole, within the limits, and from somebody who may ask.
package struct APIRequest: Sendable {
    /// The `x-request-id` of request and answer.
    package let id: String
    /// Whose API key it has: a name that says nothing about the key.
    package let tenant: Tenant
    /// The part of the path that the route leaves open, such as a model's name.
    package let name: String?
    /// What the path's query says; the first value of each name.
    package let query: [String: String]
    /// The header `Accept`; nil without one.
    package let accept: String?
    package let body: ByteBuffer
    /// Takes what the access log should tell.
    package let tally: RequestTally

    package init(
        id: String,
        tenant: Tenant = .anonymous,
        name: String? = nil,
        query: [String: String] = [:],
        accept: String? = nil,
        body: ByteBuffer,
        tally: RequestTally = RequestTally()
    ) {
        self.id = id
        self.tenant = tenant
        self.name = name
        self.query = query
        self.accept = accept
        self.body = body
        self.tally = tally
    }
}
