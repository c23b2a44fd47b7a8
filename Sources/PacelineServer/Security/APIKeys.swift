import Crypto
import FoundationEssentials
package import Logging
import PacelineCluster
import ServiceLifecycle

/// The keys with which clients may use the server. Only their hashes are kept.
package final class APIKeys: Sendable {
    /// The most bytes of a key, and of a file of keys.
    private static let (keyLimit, fileLimit) = (1024, 1 << 20)

    private let given: [SHA256Digest]
    private let file: ReloadedFiles<[SHA256Digest]>?

    /// - Parameters:
    ///   - keys: keys that never change.
    ///   - file: a file with one key a line, read again when it changes; `#` begins a comment.
    ///   - logger: learns of such changes.
    /// - Throws: ``APIKeyError``.
    package init(_ keys: [String], file: String?, logger: Logger) throws {
        given = try keys.map { try Self.digest($0, source: "--api-key") }
        self.file = try file.map { path in
            try ReloadedFiles([path], logger: logger) { try Self.digests(in: path) }
        }
    }

    /// What reads the file again.
    var services: [any Service] { file.map { [$0] } ?? [] }

    /// Whose key it is: a name that says nothing about the key itself; nil if nobody may use it.
    ///
    /// Takes the same time wherever the key differs from others.
    func tenant(of key: String) -> Tenant? {
        let digest = SHA256.hash(data: Array(key.utf8))
        var isKnown = false
        // Digests compare in constant time.
        for known in given + (file?.current ?? []) where known == digest { isKnown = true }
        guard isKnown else { return nil }
        let name = digest.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return Tenant(rawValue: name)
    }

    private static func digests(in path: String) throws -> [SHA256Digest] {
        guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= fileLimit else {
            throw APIKeyError.unreadable(path: path)
        }
        let keys = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { line in line.prefix { $0 != "#" }.filter { !$0.isWhitespace } }
            .filter { !$0.isEmpty }
        guard !keys.isEmpty else { throw APIKeyError.none(path: path) }
        return try keys.map { try digest($0, source: path) }
    }

    private static func digest(_ key: String, source: String) throws -> SHA256Digest {
        guard (1...keyLimit).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw APIKeyError.malformed(source: source)
        }
        return SHA256.hash(data: Array(key.utf8))
    }
}

/// Why keys cannot be used.
package enum APIKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String)
    case none(path: String)
    case malformed(source: String)

    package var description: String {
        switch self {
        case .unreadable(let path): "\(path) cannot be read as a file of API keys; check the path and its permissions"
        case .none(let path): "\(path) has no API key; write one on each line (# begins a comment)"
        case .malformed(let source):
            "a key of \(source) cannot be sent in a header; use 1 to 1024 letters, digits and signs of ASCII"
        }
    }
}
