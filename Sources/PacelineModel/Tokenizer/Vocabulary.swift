import Glibc
import PacelineSpeculation

/// The bytes and kinds of all tokens, and a lookup from bytes to a token.
///
/// All bytes are in one pool with an open-addressed hash table over it. So a vocabulary of 152,000 tokens loads without
/// a string or dictionary entry for each.
struct Vocabulary: Sendable {
    private let pool: [UInt8]
    /// The start of each token's bytes in `pool`, and the end of the last one's.
    private let offsets: [Int]
    private let kinds: [TokenKind]
    /// Number of real tokens. Ids from here on are padding: no text contains them, and they must not be proposed or
    /// sampled.
    let tokenCount: Int
    /// Token + 1 by hash, or 0 for a free slot; only tokens that encoding produces. The size is a power of two.
    private var slots: [UInt32]

    /// - Parameters:
    ///   - texts: the token texts of the file.
    ///   - tokenCount: ``tokenCount(_:)`` of `texts`.
    ///   - kinds: one per text.
    ///   - spelling: how texts spell bytes.
    ///   - encoded: the kinds of tokens that encoding produces from text.
    init(
        texts: GGUFArray,
        tokenCount: Int,
        kinds: [TokenKind],
        spelling: some TokenSpelling,
        encoded: Set<TokenKind>
    ) {
        var pool: [UInt8] = []
        pool.reserveCapacity(texts.range.count)
        var offsets = [0]
        offsets.reserveCapacity(texts.count + 1)
        texts.forEachString { index, text in
            spelling.append(text, of: kinds[index], to: &pool)
            offsets.append(pool.count)
        }
        self.pool = pool
        self.offsets = offsets
        self.kinds = kinds
        self.tokenCount = tokenCount
        slots = []
        fillSlots(encoded)
    }

    private mutating func fillSlots(_ encoded: Set<TokenKind>) {
        var capacity = 16
        while capacity < count * 2 { capacity *= 2 }
        var slots = [UInt32](repeating: 0, count: capacity)
        pool.withUnsafeBytes { pool in
            for index in 0..<tokenCount where encoded.contains(kinds[index]) {
                let bytes = UnsafeRawBufferPointer(rebasing: pool[offsets[index]..<offsets[index + 1]])
                var slot = Int(truncatingIfNeeded: ByteHash.hash(bytes)) & (capacity - 1)
                while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
                slots[slot] = UInt32(index + 1)
            }
        }
        self.slots = slots
    }

    /// Number of rows of the model's embedding: its tokens and the padding after them.
    var count: Int { kinds.count }

    /// The number of a file's token texts without the padding at the end.
    static func tokenCount(_ texts: GGUFArray) -> Int {
        var count = 0
        texts.forEachString { index, text in
            if !isPadding(text) { count = index + 1 }
        }
        return count
    }

    /// Whether `text` is a placeholder for a row without a token, `[PADn]` or `<dummyn>` with a number n. Models have
    /// such rows because their embedding was padded to a round number; converters write the placeholders.
    ///
    /// llama.cpp numbers byte-level BPE rows by id, and SentencePiece rows from 1 (`<dummy00001>` in its older
    /// converters). Ollama counts from 0. The types do not help: unused, user-defined and normal all occur.
    private static func isPadding(_ text: UnsafeRawBufferPointer) -> Bool {
        for (start, end) in [("[PAD", "]"), ("<dummy", ">")] as [(StaticString, StaticString)] {
            let (prefix, suffix) = (start.bytes, end.bytes)
            guard text.count > prefix.count + suffix.count, text.starts(with: prefix),
                text.suffix(suffix.count).elementsEqual(suffix)
            else { continue }
            let digits = text.dropFirst(prefix.count).dropLast(suffix.count)
            if digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) { return true }
        }
        return false
    }

    /// The bytes of `token`, which must be valid.
    func bytes(of token: Token) -> ArraySlice<UInt8> {
        pool[offsets[Int(token)]..<offsets[Int(token) + 1]]
    }

    /// Length of the longest token in bytes.
    var longest: Int { zip(offsets, offsets.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) } }

    /// The kind of `token`, which must be valid.
    func kind(of token: Token) -> TokenKind { kinds[Int(token)] }

    /// The token that encoding produces for exactly `bytes`; nil if there is none.
    func token(for bytes: UnsafeRawBufferPointer) -> Token? {
        guard let start = bytes.baseAddress else { return nil }
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: ByteHash.hash(bytes)) & mask
        return pool.withUnsafeBytes { pool in
            while slots[slot] != 0 {
                let token = Int(slots[slot]) - 1
                let offset = offsets[token]
                if offsets[token + 1] - offset == bytes.count, let base = pool.baseAddress,
                    memcmp(base + offset, start, bytes.count) == 0
                {
                    return Token(token)
                }
                slot = (slot + 1) & mask
            }
            return nil
        }
    }

    /// The tokens of the given kinds with their bytes, in order of id.
    func tokens(of wanted: Set<TokenKind>) -> [(token: Token, bytes: [UInt8])] {
        (0..<tokenCount).filter { wanted.contains(kinds[$0]) }.map { (Token($0), Array(bytes(of: Token($0)))) }
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
