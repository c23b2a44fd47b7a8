import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import PacelineCluster

/// What the kernel is told of a link's sockets.
@Suite("A link's sockets", .timeLimit(.minutes(1)))
struct LinkSocketTests {
    private static let userTimeout = ChannelOptions.Types.SocketOption(
        level: .init(rawValue: CInt(IPPROTO_TCP)),
        name: .init(rawValue: TCP_USER_TIMEOUT)
    )

    private static func options(of channel: any Channel) async throws -> [SocketOptionValue] {
        let noDelay = try await channel.getOption(ChannelOptions.tcpOption(.tcp_nodelay)).get()
        return [noDelay, try await channel.getOption(userTimeout).get()]
    }

    @Test("send small messages at once, and give up on bytes that nobody acknowledges for two seconds, at both ends")
    func options() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let (accepted, source) = AsyncStream.makeStream(of: (any Channel).self)
        let listener = try await LinkBootstrap.server(on: group)
            .childChannelInitializer { channel in
                // Options are set before this is called.
                source.yield(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let port = try #require(listener.localAddress?.port)
        let client = try await LinkBootstrap.client(on: group.next()).connect(host: "127.0.0.1", port: port).get()
        let server = try #require(await accepted.first { _ in true })
        for channel in [client, server] {
            let values = try await Self.options(of: channel)
            #expect(values[0] != 0 && values[1] == 2000)
        }
        try await client.close()
        try await server.closeFuture.get()
        try await listener.close()
    }

    @Test("do not try for ever to connect to a machine that says nothing")
    func connecting() async throws {
        // A socket whose queue is full, and which nobody takes connections from: the kernel drops what comes.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try #require(bind(listener, pointer, length) == 0 && listen(listener, 0) == 0)
                try #require(getsockname(listener, pointer, &length) == 0)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
        let group = MultiThreadedEventLoopGroup.singleton
        var queued: [any Channel] = []
        await #expect {
            for _ in 0..<8 {
                let channel = LinkBootstrap.client(on: group.next()).connect(host: "127.0.0.1", port: port)
                queued.append(try await channel.get())
            }
        } throws: { error in
            // The channel's own limit, or the kernel's where a busy machine comes late to that.
            SocketFailure(error) == .timedOut
        }
        #expect(queued.count < 8)
        for channel in queued { try await channel.close() }
    }
}
