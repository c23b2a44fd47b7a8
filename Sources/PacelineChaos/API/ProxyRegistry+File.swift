package import NIOCore

extension ProxyRegistry {
    /// Creates the proxies of a configuration file.
    ///
    /// - Throws: ``ProxyFileError``.
    package func populate(_ text: ByteBuffer, from path: String) async throws {
        do {
            var proxies: [ProxyRecord] = []
            for input in try ChaosInput.objects(text) { proxies.append(try input.proxy()) }
            let (_, failure) = await populate(proxies)
            if let failure { throw failure }
        } catch let error as ChaosError {
            throw ProxyFileError(path: path, reason: error.message)
        }
    }
}

/// A configuration file cannot be used.
package struct ProxyFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String { "\(path): \(reason)" }
}
