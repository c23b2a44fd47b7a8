import NIOCore
import NIOPosix
import PacelineCluster

/// A peer that says what it likes, byte by byte.
enum RawPeer {
    /// Connects, does `body`, and closes.
    static func with<Result: Sendable>(
        _ endpoint: Endpoint,
        _ body: @Sendable (RawPeer.Stream) async throws -> Result
    ) async throws -> Result {
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: endpoint.host, port: endpoint.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await connection.executeThenClose { inbound, outbound in
            try await body(Stream(inbound: inbound, outbound: outbound))
        }
    }

    struct Stream: Sendable {
        let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

        func say(_ bytes: ByteBuffer) async throws {
            try await outbound.write(bytes)
        }

        /// Says it unless the other side, on a busy machine, has given up waiting and closed.
        func sayIfOpen(_ bytes: ByteBuffer) async throws {
            do {
                try await outbound.write(bytes)
            } catch ChannelError.ioOnClosedChannel {
                return
            }
        }

        /// Everything that comes until the other side closes.
        func listen() async -> ByteBuffer {
            var heard = ByteBuffer()
            do {
                for try await var bytes in inbound { heard.writeBuffer(&bytes) }
            } catch {
                // A reset is as good an end as any.
            }
            return heard
        }
    }
}
