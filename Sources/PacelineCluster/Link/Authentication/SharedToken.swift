import Crypto

/// A secret that a verifier and its workers share. It never travels, and no description shows it.
package struct SharedToken: Sendable, Equatable {
    /// Its length in bytes. A shorter one could be guessed from a single recorded handshake.
    package static let byteCounts = 16...4096

    /// Compares in constant time.
    let key: SymmetricKey

    /// - Parameters:
    ///   - text: the secret. ASCII white space at either end is ignored, so a file may end with a line feed.
    ///   - source: where it comes from, for the error.
    package init(_ text: [UInt8], source: String) throws(SharedTokenError) {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0d).contains($0) }
        let bytes = text.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        guard Self.byteCounts.contains(bytes.count) else {
            throw SharedTokenError(count: bytes.count, source: source)
        }
        key = SymmetricKey(data: Array(bytes))
    }
}

extension SharedToken: CustomStringConvertible, CustomReflectable {
    package var description: String { "a shared token" }

    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A shared token is too short or too long.
package struct SharedTokenError: Error, Equatable, Sendable, CustomStringConvertible {
    package var count: Int
    package var source: String

    package var description: String {
        "the shared token in \(source) has \(count) bytes, and must have \(SharedToken.byteCounts.lowerBound) to "
            + "\(SharedToken.byteCounts.upperBound); openssl rand -hex 32 makes a good one"
    }
}
