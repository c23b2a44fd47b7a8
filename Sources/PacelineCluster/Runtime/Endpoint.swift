package import NIOCore

/// A host and a port, as users write them: `127.0.0.1:7411`, `[::1]:7411`, `verifier.local:7411`.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Throws: ``ShellError/invalidAddress(_:)``.
    package init(_ text: String) throws(ShellError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .invalidAddress(text)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .invalidAddress(text)
        }
        guard !host.isEmpty else { throw .invalidAddress(text) }
        self.init(host: String(host), port: Int(port))
    }

    /// The address to bind or to connect to.
    ///
    /// - Throws: ``ShellError/unknownHost(address:)``. Waits for the resolver.
    package func resolved() throws(ShellError) -> SocketAddress {
        do {
            return try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw .unknownHost(address: description)
        }
    }

    /// Whether only this machine can reach it.
    ///
    /// - Throws: ``ShellError/unknownHost(address:)``. Waits for the resolver.
    package func isLoopback() throws(ShellError) -> Bool {
        try resolved().isLoopback
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension Endpoint: Comparable {
    package static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }
}

extension SocketAddress {
    /// Whether the address belongs to this machine alone.
    package var isLoopback: Bool {
        switch self {
        case .v4: ipAddress?.hasPrefix("127.") ?? false
        case .v6: ipAddress == "::1"
        case .unixDomainSocket: true
        }
    }
}
