import Glibc
import PacelineSpeculation

/// The tokens' bytes and kinds, and the way back from bytes to a token.
///
/// All bytes lie in one pool and the lookup is an open-addressed table over it: a vocabulary of 152,000 tokens loads
/// without a string or dictionary entry for each.
struct Vocabulary: Sendable {
    private let pool: [UInt8]
    /// Where each token's bytes begin in `pool`; one more entry than tokens.
    private let offsets: [Int]
    private let kinds: [TokenKind]
    /// Tokens that mean something: ids from here on are padding, which no text has and nothing may propose or sample.
    let tokenCount: Int
    /// Token + 1 by hash, 0 for a free slot; only tokens that encoding makes of text. The size is a power of two.
    private var slots: [UInt32]

    /// - Parameters:
    ///   - texts: the token texts of the file.
    ///   - tokenCount: ``tokenCount(_:)`` of them.
    ///   - kinds: one for each text.
    ///   - spelling: how texts stand for bytes.
    ///   - encoded: the kinds of tokens that encoding makes of text.
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

    /// Rows of the model's embedding: its tokens and the padding behind them.
    var count: Int { kinds.count }

    /// How many of a file's token texts are tokens: all but the padding at the end.
    static func tokenCount(_ texts: GGUFArray) -> Int {
        var count = 0
        texts.forEachString { index, text in
            if !isPadding(text) { count = index + 1 }
        }
        return count
    }

    /// Whether a text is one that converters give to rows which no token of the tokenizer has, because a model's
    /// embedding was padded to a round number: `[PAD` and a number and `]`, or `<dummy` and a number and `>`.
    ///
    /// The number is the row's own (llama.cpp for byte-level BPE), or counts from 1 (llama.cpp for SentencePiece, and
    /// its older converters as `<dummy00001>`) or from 0 (Ollama). Their types tell nothing: unused, user-defined and
    /// normal occur.
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

    /// The bytes that `token`, which must exist, stands for.
    func bytes(of token: Token) -> ArraySlice<UInt8> {
        pool[offsets[Int(token)]..<offsets[Int(token) + 1]]
    }

    /// Bytes of the longest token.
    var longest: Int { zip(offsets, offsets.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) } }

    /// What `token`, which must exist, is for.
    func kind(of token: Token) -> TokenKind { kinds[Int(token)] }

    /// The token that encoding makes of exactly `bytes`.
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

    /// The tokens of the given kinds with their texts, in order of id.
    func tokens(of wanted: Set<TokenKind>) -> [(token: Token, bytes: [UInt8])] {
        (0..<tokenCount).filter { wanted.contains(kinds[$0]) }.map { (Token($0), Array(bytes(of: Token($0)))) }
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
