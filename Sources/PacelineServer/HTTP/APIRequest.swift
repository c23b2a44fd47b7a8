package import NIOCore
import PacelineCluster

/// A request as an endpoint sees it: whole, within the limits, and from somebody who may ask.
package struct APIRequest: Sendable {
    /// The `x-request-id` of request and answer.
    package let id: String
    /// Whose API key it has: a name that says nothing about the key. Empty if the server has no keys.
    package let owner: String
    /// The part of the path that the route leaves open, such as a model's name.
    package let name: String?
    package let body: ByteBuffer
    /// Takes what the access log should tell.
    package let tally: RequestTally

    package init(
        id: String,
        owner: String = "",
        name: String? = nil,
        body: ByteBuffer,
        tally: RequestTally = RequestTally()
    ) {
        self.id = id
        self.owner = owner
        self.name = name
        self.body = body
        self.tally = tally
    }

    /// Who asks, as the verifier knows them.
    var tenant: Tenant { Tenant(rawValue: owner) }
}
