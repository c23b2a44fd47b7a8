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
    /// Token + 1 by hash, 0 for a free slot; only tokens that encoding makes of text. The size is a power of two.
    private var slots: [UInt32]

    /// - Parameters:
    ///   - texts: the token texts of the file.
    ///   - kinds: one for each text.
    ///   - spelling: how texts stand for bytes.
    ///   - encoded: the kinds of tokens that encoding makes of text.
    init(texts: GGUFArray, kinds: [TokenKind], spelling: some TokenSpelling, encoded: Set<TokenKind>) {
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
        slots = []
        fillSlots(encoded)
    }

    private mutating func fillSlots(_ encoded: Set<TokenKind>) {
        var capacity = 16
        while capacity < count * 2 { capacity *= 2 }
        var slots = [UInt32](repeating: 0, count: capacity)
        pool.withUnsafeBytes { pool in
            for index in 0..<count where encoded.contains(kinds[index]) {
                let bytes = UnsafeRawBufferPointer(rebasing: pool[offsets[index]..<offsets[index + 1]])
                var slot = Int(truncatingIfNeeded: ByteHash.hash(bytes)) & (capacity - 1)
                while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
                slots[slot] = UInt32(index + 1)
            }
        }
        self.slots = slots
    }

    /// Number of tokens.
    var count: Int { kinds.count }

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
        kinds.indices.filter { wanted.contains(kinds[$0]) }.map { (Token($0), Array(bytes(of: Token($0)))) }
    }
}
