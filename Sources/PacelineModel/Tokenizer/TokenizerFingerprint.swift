import Crypto

/// SHA-256 over what two tokenizers must have in common, so that two processes can tell whether they agree.
package struct TokenizerFingerprint: Sendable, Hashable, CustomStringConvertible {
    /// 32 bytes.
    package let bytes: [UInt8]

    /// A fingerprint received from a peer; nil unless it has 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == SHA256.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Over all that decides how text becomes tokens, and what pads the vocabulary. Version 1 of the protocol compares
    /// it.
    ///
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

    /// Over what token ids mean, which is all that a drafter and its target need to agree on: the tokens' texts in
    /// their order and how texts stand for bytes. Not over types, merges and scores, in which converters differ.
    ///
    /// - Parameters:
    ///   - model: `tokenizer.ggml.model`, which decides how texts stand for bytes.
    ///   - tokens: the token texts.
    ///   - count: how many of them are no padding.
    init(meaningOf tokens: GGUFArray, count: Int, model: String) {
        var hash = SHA256()
        for field in ["paceline vocabulary 2", model] {
            Self.update(&hash, count: field.utf8.count)
            hash.update(data: Array(field.utf8))
        }
        Self.update(&hash, count: count)
        tokens.forEachString { index, text in
            guard index < count else { return }
            Self.update(&hash, count: text.count)
            hash.update(bufferPointer: text)
        }
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
