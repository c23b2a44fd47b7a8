package import HTTPTypes
package import NIOCore

/// What an endpoint answers.
package enum APIReply: Sendable {
    /// Everything at once. `headers` are those besides content type and length.
    case whole(
        [UInt8],
        contentType: String = "application/json",
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    )
    /// Server-sent events, with status 200. The closure writes them, and is cancelled when the client goes away.
    /// `headers` are those besides the ones of every stream.
    case events(headers: HTTPFields = [:], @Sendable (EventWriter) async throws -> Void)

    /// An answer whose body is `value` as JSON.
    package static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> APIReply {
        .whole(try JSON.encode(value), status: status)
    }

    /// The same answer with more headers.
    package func adding(_ more: HTTPFields) -> APIReply {
        switch self {
        case .whole(let bytes, let contentType, let status, let headers):
            .whole(bytes, contentType: contentType, status: status, headers: headers + more)
        case .events(let headers, let write): .events(headers: headers + more, write)
        }
    }
}

/// Writes server-sent events; each call suspends until its bytes have left, so that nothing piles up.
package struct EventWriter: Sendable {
    private let send: @Sendable (ByteBuffer) async throws -> Void
    /// The client's connection; nil for a writer of another kind.
    private let channel: (any Channel)?
    /// Makes other bytes of those that are sent; nil to send them as they are.
    private var translate: (@Sendable (ByteBuffer) -> ByteBuffer)?

    /// - Parameter send: suspends until the bytes have left; throws when the client has gone away.
    package init(send: @escaping @Sendable (ByteBuffer) async throws -> Void) {
        self.send = send
        channel = nil
    }

    init(_ channel: any Channel) {
        send = { try await ExchangeHandler.send($0, on: channel).get() }
        self.channel = channel
    }

    /// What sends bytes of events, for those who are on an event loop and stay there. Who does not wait must see to it
    /// that little piles up.
    ///
    /// - Returns: a function that returns a future on `eventLoop` of the time when the bytes have left.
    package func sender(on eventLoop: any EventLoop) -> (ByteBuffer) -> EventLoopFuture<Void> {
        if let translate {
            var plain = self
            plain.translate = nil
            let sender = plain.sender(on: eventLoop)
            return { bytes in
                let translated = translate(bytes)
                return translated.readableBytes > 0 ? sender(translated) : eventLoop.makeSucceededVoidFuture()
            }
        }
        guard let channel else {
            return { [send] bytes in eventLoop.makeFutureWithTask { try await send(bytes) } }
        }
        guard channel.eventLoop === eventLoop, let handler = try? ExchangeHandler.of(channel) else {
            return { ExchangeHandler.send($0, on: channel).hop(to: eventLoop) }
        }
        return { handler.send($0) ?? eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
    }

    /// Sends one event that carries `data`, which has no line breaks.
    package func event(_ data: [UInt8]) async throws {
        try await write(EventStream.event(data))
    }

    /// Sends a line that readers pass over, so that nobody on the way takes the connection for dead.
    package func comment() async throws {
        try await write(EventStream.comment)
    }

    private func write(_ bytes: ByteBuffer) async throws {
        let bytes = translate?(bytes) ?? bytes
        if bytes.readableBytes > 0 { try await send(bytes) }
    }

    /// The same with other bytes: `translate` gets the pieces in order, each of whole events and comments.
    func translating(_ translate: @escaping @Sendable (ByteBuffer) -> ByteBuffer) -> EventWriter {
        var writer = self
        writer.translate = translate
        return writer
    }
}
