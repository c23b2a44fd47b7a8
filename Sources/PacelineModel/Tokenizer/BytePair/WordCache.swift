import Glibc
import PacelineSpeculation

/// The tokens of words met before. A fixed table where a word displaces the one in its slot, so its size is bounded.
struct WordCache: Sendable {
    /// Longer words are rare and would make the bound on memory loose.
    static let longestWord = 48
    private static let slotCount = 8192

    private struct Entry {
        var word: [UInt8]
        var tokens: [Token]
    }

    private var entries = [Entry?](repeating: nil, count: Self.slotCount)

    /// The tokens of `word`, which has the given hash, if they are here.
    func tokens(of word: UnsafeRawBufferPointer, hash: UInt64) -> [Token]? {
        guard let entry = entries[Self.slot(hash)], entry.word.count == word.count else { return nil }
        let isEqual = entry.word.withUnsafeBytes { stored in
            guard let stored = stored.baseAddress, let wanted = word.baseAddress else { return word.isEmpty }
            return memcmp(stored, wanted, word.count) == 0
        }
        return isEqual ? entry.tokens : nil
    }

    mutating func insert(_ word: UnsafeRawBufferPointer, hash: UInt64, tokens: [Token]) {
        guard word.count <= Self.longestWord else { return }
        entries[Self.slot(hash)] = Entry(word: Array(word), tokens: tokens)
    }

    private static func slot(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash) & (slotCount - 1)
    }
}
