import Crypto

/// SHA-256 over the data that two tokenizers must share, so that two processes can check whether they agree.
package struct TokenizerFingerprint: Sendable, Hashable, CustomStringConvertible {
    /// 32 bytes.
    package let bytes: [UInt8]

    /// Hashes everything that determines how text becomes tokens, and the vocabulary's padding. Version 1 of the
    /// protocol compares this fingerprint.
    ///
    /// - Parameters:
    ///   - model: `tokenizer.ggml.model`.
    ///   - preTokenizer: `tokenizer.ggml.pre`, or another setting that determines how text is prepared.
    ///   - tokens: the token texts. Each has a length before its bytes, so no two lists give the same bytes.
    ///   - kinds: one per token.
    ///   - ranking: the merges in order of rank, or the tokens' scores.
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

    /// Hashes the meaning of token ids: the tokens' texts in order, and how texts spell bytes. A drafter and its target
    /// need to agree only on this. Excludes types, merges and scores, in which converters differ.
    ///
    /// - Parameters:
    ///   - tokens: the token texts.
    ///   - count: the number of tokens, without padding.
    ///   - model: `tokenizer.ggml.model`, which determines how texts spell bytes.
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

    /// The first eight hexadecimal digits, for messages.
    package var short: String { String(description.prefix(8)) }
}
