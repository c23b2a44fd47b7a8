import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import PacelineCluster

@testable import PacelineChaos

/// Proxies on loopback, all on one event loop, so that anything that blocks it shows.
struct ProxyBench {
    let registry: ProxyRegistry

    /// Runs `body` with a registry that is shut down afterwards.
    static func run(
        seed: UInt64 = 1,
        trace: FaultTrace? = nil,
        _ body: (ProxyBench) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = ProxyRegistry.Configuration()
        configuration.seed = seed
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let bench = ProxyBench(
            registry: ProxyRegistry(configuration, group: group, trace: trace, logger: logger)
        )
        do {
            try await body(bench)
        } catch {
            try await bench.registry.shutdown()
            try await group.shutdownGracefully()
            throw error
        }
        try await bench.registry.shutdown()
        try await group.shutdownGracefully()
    }

    /// A new proxy, and where it listens.
    func proxy(_ name: String = "p", to upstream: Endpoint, _ toxics: [ToxicDefinition] = []) async throws -> Endpoint {
        var record = ProxyRecord(name: name, listen: "127.0.0.1:0", upstream: "\(upstream)", isEnabled: true)
        for toxic in toxics { try record.add(toxic) }
        return try Endpoint(try await registry.create(record).listen)
    }

    func statistics(_ name: String = "p") async throws -> ProxyStatistics {
        try await registry.statistics().first { $0.record.name == name }?.done ?? ProxyStatistics()
    }
}

/// A plain blocking socket on a thread of its own, which sees how a connection ends.
struct PlainClient {
    enum End: Hashable {
        /// With a FIN.
        case orderly
        /// With an RST.
        case reset
        /// Nothing came for the time that was waited.
        case silence
    }

    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    init(_ endpoint: Endpoint) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(endpoint.port).bigEndian
        address.sin_addr.s_addr = inet_addr(endpoint.host)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw IOError(errnoCode: errno, reason: "connect") }
    }

    func send(_ bytes: [UInt8]) throws {
        let count = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard count == bytes.count else { throw IOError(errnoCode: errno, reason: "send") }
    }

    /// Reads until the end, or until nothing comes for `patience`.
    func read(patience: Duration = .seconds(20)) async -> (bytes: [UInt8], end: End) {
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in continuation.resume(returning: readBlocking(patience)) }
        }
    }

    private func readBlocking(_ patience: Duration) -> (bytes: [UInt8], end: End) {
        let milliseconds = Int(patience / .milliseconds(1))
        var limit = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return (bytes, Self.end(count, errno)) }
            bytes += buffer[..<count]
        }
    }

    private static func end(_ count: Int, _ code: Int32) -> End {
        guard count < 0 else { return .orderly }
        return code == ECONNRESET ? .reset : .silence
    }

    /// Sends on a thread of its own until nobody takes anything any more, and closes.
    func sendForEver() {
        Thread {
            let bytes = [UInt8](repeating: 7, count: 65_536)
            while Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {}
            close()
        }
        .start()
    }

    /// Ends this direction; the other one goes on.
    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func close() {
        _ = Glibc.close(descriptor)
    }
}

/// A listening socket whose queue is full, so that nobody can connect and nobody is refused.
final class FullListener {
    let endpoint: Endpoint
    private var descriptors: [Int32] = []

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        descriptors.append(listener)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socketAddress in
                _ = bind(listener, socketAddress, size)
                _ = listen(listener, 0)
                _ = getsockname(listener, socketAddress, &size)
            }
        }
        endpoint = Endpoint(host: "127.0.0.1", port: Int(UInt16(bigEndian: address.sin_port)))
        // The queue takes one more than its length; the others stay on their way.
        for _ in 0..<4 {
            let waiting = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            descriptors.append(waiting)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(waiting, $0, size) }
            }
        }
    }

    deinit {
        for descriptor in descriptors { _ = Glibc.close(descriptor) }
    }
}
