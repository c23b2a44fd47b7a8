import NIOCore
import NIOHTTP1

/// One client's connection: requests in, one at a time, answers out.
///
/// Writes go to the channel directly, not through the asynchronous channel's writer, because their futures tell when
/// the bytes have left. So nothing is queued behind a slow reader, and nothing is lost when the connection closes.
struct GatewayConnection: Sendable {
    typealias Inbound = NIOAsyncChannel<HTTPServerRequestPart, Never>

    private let channel: any Channel
    private let configuration: GatewayConfiguration
    private let memory: BodyMemory

    /// Serves the connection until it closes; a fault of the connection ends here.
    ///
    /// - Parameter respond: answers one request through the writer. It is cancelled when the client goes away.
    static func serve(
        _ inbound: Inbound,
        configuration: GatewayConfiguration,
        memory: BodyMemory,
        respond: @escaping @Sendable (PlainRequest, ResponseWriter) async throws -> Void
    ) async {
        let connection = GatewayConnection(channel: inbound.channel, configuration: configuration, memory: memory)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // A connection that breaks concerns its own client only, who notices.
                try? await inbound.executeThenClose { parts in
                    var parts = parts.makeAsyncIterator()
                    while try await connection.answerNext(&parts, respond) {}
                }
            }
            group.addTask { try? await inbound.channel.closeFuture.get() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Reads and answers one request.
    ///
    /// - Returns: whether the connection stays open for another.
    private func answerNext(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator,
        _ respond: @Sendable (PlainRequest, ResponseWriter) async throws -> Void
    ) async throws -> Bool {
        guard let head = try await nextHead(&parts) else { return false }
        var writer = ResponseWriter(channel: channel, request: head, writeTimeout: configuration.writeTimeout)
        var body = ByteBuffer()
        // Kept until the request is answered, since whoever answers it holds the body.
        var taken = 0
        defer { memory.giveBack(taken) }
        do {
            try await read(&body, of: head, &parts, taken: &taken)
        } catch let error as GatewayError {
            // The rest of the body is still on its way, so that the connection cannot be used again.
            writer.keepsAlive = false
            try await writer.send(.error(error))
            return false
        }
        do {
            try await respond(PlainRequest(head: head, body: body), writer)
        } catch let error as GatewayError {
            try await writer.send(.error(error))
        }
        return writer.keepsAlive
    }

    private func nextHead(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator
    ) async throws -> HTTPRequestHead? {
        let deadline = closeDeadline(in: configuration.idleTimeout)
        defer { deadline.cancel() }
        while let part = try await parts.next() {
            if case .head(let head) = part { return head }
        }
        return nil
    }

    /// - Parameter taken: bytes that were taken of the memory of all bodies, also when it throws.
    private func read(
        _ body: inout ByteBuffer,
        of head: HTTPRequestHead,
        _ parts: inout NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator,
        taken: inout Int
    ) async throws {
        let deadline = closeDeadline(in: configuration.requestTimeout)
        defer { deadline.cancel() }
        let limit = configuration.bodyLimit
        if let declared = head.headers.first(name: "content-length").flatMap({ Int($0) }), declared > limit {
            throw GatewayError.bodyTooLarge(limit: limit)
        }
        if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            try await channel.writeAndFlush(
                HTTPServerResponsePart.head(HTTPResponseHead(version: head.version, status: .continue))
            )
        }
        while let part = try await parts.next() {
            switch part {
            case .head: throw GatewayError.invalidRequest("a request began within another one's body")
            case .body(var bytes):
                guard body.readableBytes + bytes.readableBytes <= limit else {
                    throw GatewayError.bodyTooLarge(limit: limit)
                }
                try memory.take(bytes.readableBytes)
                taken += bytes.readableBytes
                body.writeBuffer(&bytes)
            case .end: return
            }
        }
        throw CancellationError()
    }

    /// Closes the connection after `limit` unless it is cancelled before.
    private func closeDeadline(in limit: TimeAmount) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: limit) { [channel] in channel.close(promise: nil) }
    }
}
