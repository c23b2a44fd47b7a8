package import NIOCore

/// A request as an endpoint sees it: whole, within the limits, and from somebody who may ask.
package struct APIRequest: Sendable {
    /// The `x-request-id` of request and answer.
    package let id: String
    /// The part of the path that the route leaves open, such as a model's name.
    package let name: String?
    /// The header `Accept`; nil without one.
    package let accept: String?
    package let body: ByteBuffer

    package init(id: String, name: String? = nil, accept: String? = nil, body: ByteBuffer) {
        self.id = id
        self.name = name
        self.accept = accept
        self.body = body
    }
}
