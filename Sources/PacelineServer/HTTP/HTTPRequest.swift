package import NIOCore
package import NIOHTTP1

/// A whole request.
package struct PlainRequest: Sendable {
    package var head: HTTPRequestHead
    package var body: ByteBuffer

    package init(head: HTTPRequestHead, body: ByteBuffer) {
        self.head = head
        self.body = body
    }
}
