import Glibc
import NIOCore
import NIOPosix
import PacelineCluster

/// A listening plain socket, whose connections a test holds itself; or one that has a port and refuses connections.
final class RawListener: Sendable {
    let endpoint: Endpoint
    private let descriptor: Int32

    /// - Parameter refuses: whether nothing listens on the port. Nobody else gets it meanwhile.
    init(refuses: Bool = false) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        descriptor = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && (refuses || listen(listener, 16) == 0)
                    && getsockname(listener, address, &size) == 0
            }
        }
        endpoint = Endpoint(host: "127.0.0.1", port: Int(UInt16(bigEndian: address.sin_port)))
        guard isBound else { throw IOError(errnoCode: errno, reason: "listen") }
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    /// Waits for the next connection.
    func accept() async throws -> PlainClient {
        let descriptor = descriptor
        return try await NIOThreadPool.singleton.runIfActive {
            let connection = Glibc.accept(descriptor, nil, nil)
            guard connection >= 0 else { throw IOError(errnoCode: errno, reason: "accept") }
            return PlainClient(descriptor: connection)
        }
    }
}
