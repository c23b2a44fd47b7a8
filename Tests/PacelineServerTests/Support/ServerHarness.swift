import Glibc
import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineTestKit
import Testing

/// A server on a loopback port with a scripted backend.
enum ServerHarness {
    static let tokenizer: Tokenizer = {
        do {
            return try TinyModel().tokenizer()
        } catch {
            preconditionFailure("the tiny model is broken: \(error)")
        }
    }()

    /// Runs `body` against a server; with `isLoaded` false it has no model.
    static func run(
        _ backend: ScriptedBackend,
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        isLoaded: Bool = true,
        contextLength: Int = 2048,
        lifecycle: ServerLifecycle = ServerLifecycle(metrics: ServerMetrics(modelName: "tiny")),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @escaping @Sendable (Endpoint) async throws -> Void
    ) async throws {
        if isLoaded {
            let model = try TestModel.served(contextLength: contextLength)
            lifecycle.begin(serving: Services(model: model, backend: backend, logger: logger))
        }
        try await HTTPServer(lifecycle, configuration: configuration, logger: logger).serve(
            on: Endpoint(host: "127.0.0.1", port: 0),
            group: MultiThreadedEventLoopGroup.singleton,
            while: body
        )
    }
}

/// A client that sends raw bytes, so that it can also send invalid ones.
struct RawClient {
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let connection: Connection

    /// - Parameter receiveBuffer: size of the kernel's receive buffer; small for a client that reads slowly.
    init(_ address: Endpoint, receiveBuffer: Int? = nil) async throws {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        connection = try await bootstrap.connect(host: address.host, port: address.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try Connection(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true)
                )
            }
        }
    }

    /// Sends text and returns everything that comes back until the server closes, even if it closes early.
    func exchange(_ text: String...) async throws -> String {
        try await exchange(text.map { ByteBuffer(string: $0) })
    }

    /// The same for bytes.
    func exchange(bytes: [UInt8]) async throws -> String {
        try await exchange([ByteBuffer(bytes: bytes)])
    }

    private func exchange(_ pieces: [ByteBuffer]) async throws -> String {
        try await connection.executeThenClose { inbound, outbound in
            var received = ""
            do {
                for piece in pieces { try await outbound.write(piece) }
                for try await bytes in inbound { received += String(buffer: bytes) }
            } catch let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode) {
                return received
            } catch ChannelError.ioOnClosedChannel {
                return received
            }
            return received
        }
    }

    /// Sends text, closes this direction, and returns everything that comes back until the server closes.
    func exchangeHalfClosed(_ text: String) async throws -> String {
        try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            outbound.finish()
            var received = ""
            for try await bytes in inbound { received += String(buffer: bytes) }
            return received
        }
    }

    /// How a client goes away.
    enum Leaving: CaseIterable {
        /// It closes its socket, like a program that exits.
        case close
        /// It resets the connection.
        case reset
        /// It closes its direction, and its socket a little later.
        case halfCloseThenClose
    }

    /// Sends text, waits until `isTime` returns, and goes away without reading anything.
    func send(_ text: String, leaving: Leaving, when isTime: () async throws -> Void) async throws {
        try await connection.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: text))
            try await isTime()
            switch leaving {
            case .close: break
            case .reset:
                let options = try #require(connection.channel as? any SocketOptionProvider)
                try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            case .halfCloseThenClose:
                outbound.finish()
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Sends text, reads until `words` have arrived, and hangs up.
    func exchange(_ text: String, until words: String) async throws -> String {
        try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var received = ""
            for try await bytes in inbound {
                received += String(buffer: bytes)
                if received.contains(words) { return received }
            }
            return received
        }
    }

    /// Sends text and then reads nothing until the server gives up.
    func sendAndStall(_ text: String) async throws {
        try await connection.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: text))
            try await connection.channel.setOption(.autoRead, value: false).get()
            try await Task.sleep(for: .seconds(600))
        }
    }
}

extension RawClient {
    /// A request's text.
    static func post(_ path: String, _ body: String, headers: [String] = ["connection: close"]) -> String {
        let lines = ["POST \(path) HTTP/1.1", "host: test", "content-length: \(body.utf8.count)"] + headers
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    static func get(_ path: String, method: String = "GET", headers: [String] = ["connection: close"]) -> String {
        (["\(method) \(path) HTTP/1.1", "host: test"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    }
}
