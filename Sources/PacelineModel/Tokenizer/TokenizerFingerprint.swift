import Crypto

/// SHA-256 over all that decides how text becomes tokens, so that two processes can tell whether they agree.
package struct TokenizerFingerprint: Sendable, Hashable, CustomStringConvertible {
    /// 32 bytes.
    package let bytes: [UInt8]

    /// A fingerprint received from a peer; nil unless it has 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == SHA256.byteCount else { return nil }
        self.bytes = bytes
    }

    /// - Parameters:
    ///   - model: `tokenizer.ggml.model`.
    ///   - preTokenizer: `tokenizer.ggml.pre`, or what else decides how text is prepared.
    ///   - tokens: the token texts; their bytes carry a length each, so that no two lists look alike.
    ///   - kinds: one per token.
    ///   - ranking: the merges by rank, or the tokens' scores.
    init(model: String, preTokenizer: String, tokens: GGUFArray, kinds: [TokenKind], ranking: GGUFArray) {
        var hash = SHA256()
        for field in ["paceline tokenizer 1", model, preTokenizer] {
            Self.update(&hash, count: field.utf8.count)
            hash.update(data: Array(field.utf8))
        }
        for array in [tokens, ranking] {
            Self.update(&hash, count: array.count)
            array.withBytes { hash.update(bufferPointer: $0) }
        }
        hash.update(data: kinds.map(\.rawValue))
        bytes = Array(hash.finalize())
    }

    private static func update(_ hash: inout SHA256, count: Int) {
        withUnsafeBytes(of: UInt64(count).littleEndian) { hash.update(bufferPointer: $0) }
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The first eight digits, for messages.
    package var short: String { String(description.prefix(8)) }
}
