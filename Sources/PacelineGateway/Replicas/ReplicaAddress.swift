package import PacelineCluster

/// Where a verifier answers HTTP.
package struct ReplicaAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let endpoint: Endpoint
    /// Whether it speaks TLS.
    package let isSecure: Bool

    package init(_ endpoint: Endpoint, isSecure: Bool = false) {
        (self.endpoint, self.isSecure) = (endpoint, isSecure)
    }

    /// - Parameter text: `HOST:PORT`, `http://HOST:PORT` or `https://HOST:PORT`.
    /// - Throws: ``ShellError/invalidAddress(_:)``.
    package init(_ text: String) throws(ShellError) {
        var rest = Substring(text)
        let isSecure = rest.hasPrefix("https://")
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
            break
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let endpoint = try Endpoint(String(rest))
        guard endpoint.port > 0, !endpoint.host.contains("/") else { throw .invalidAddress(text) }
        self.init(endpoint, isSecure: isSecure)
    }

    /// What a path is appended to.
    package var url: String { (isSecure ? "https://" : "http://") + "\(endpoint)" }

    package var description: String { isSecure ? url : "\(endpoint)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.endpoint.host, left.endpoint.port, left.isSecure ? 1 : 0)
            < (right.endpoint.host, right.endpoint.port, right.isSecure ? 1 : 0)
    }
}
