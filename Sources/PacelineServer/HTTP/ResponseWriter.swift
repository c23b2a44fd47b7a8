import NIOCore
import NIOHTTP1

/// Writes the answer to one request; every write waits until its bytes have left.
package struct ResponseWriter: Sendable {
    private let channel: any Channel
    private let version: HTTPVersion
    private let isHead: Bool
    private let writeTimeout: TimeAmount
    /// Whether the connection can serve another request afterwards.
    package var keepsAlive: Bool

    init(channel: any Channel, request: HTTPRequestHead, writeTimeout: TimeAmount) {
        self.channel = channel
        self.writeTimeout = writeTimeout
        version = request.version
        isHead = request.method == .HEAD
        keepsAlive = request.isKeepAlive
    }

    /// Sends a whole answer.
    package func send(_ response: PlainResponse) async throws {
        channel.write(HTTPServerResponsePart.head(head(response.status, response.headers)), promise: nil)
        if !isHead { channel.write(HTTPServerResponsePart.body(.byteBuffer(response.body)), promise: nil) }
        try await flush(.end(nil))
    }

    /// Begins an answer of server-sent events.
    package func beginEvents() async throws {
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: EventStream.contentType)
        headers.add(name: "cache-control", value: "no-cache")
        try await flush(.head(head(.ok, headers)))
    }

    /// Sends one event.
    package func event(_ data: [UInt8]) async throws {
        try await flush(.body(.byteBuffer(EventStream.event(data))))
    }

    /// Sends bytes of events.
    func bytes(_ bytes: ByteBuffer) async throws {
        try await flush(.body(.byteBuffer(bytes)))
    }

    /// Ends an answer of events.
    package func endEvents() async throws {
        try await flush(.end(nil))
    }

    private func head(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) -> HTTPResponseHead {
        var head = HTTPResponseHead(version: version, status: status, headers: headers)
        // Without chunks, HTTP/1.0 marks the end of a stream by closing.
        let isDelimited = version.major == 1 && version.minor >= 1 || headers.contains(name: "content-length")
        head.headers.replaceOrAdd(name: "connection", value: keepsAlive && isDelimited ? "keep-alive" : "close")
        return head
    }

    private func flush(_ part: HTTPServerResponsePart) async throws {
        let deadline = channel.eventLoop.scheduleTask(in: writeTimeout) { [channel] in channel.close(promise: nil) }
        defer { deadline.cancel() }
        try await channel.writeAndFlush(part)
    }
}
