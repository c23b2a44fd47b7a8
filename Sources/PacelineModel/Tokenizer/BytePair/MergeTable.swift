import PacelineSpeculation

/// The merges of byte-pair encoding: which two adjacent tokens join, into what, and how early.
struct MergeTable: Sendable {
    /// A merge that applies to a pair.
    struct Merge: Sendable {
        /// Position in the file's list; smaller merges first.
        var rank: UInt32
        var token: Token
    }

    /// Left token in the high half, right in the low half; `free` marks an empty slot. The size is a power of two.
    private var pairs: [UInt64]
    private var merges: [Merge]
    /// No token has this id: ids are below 2^31.
    private static let free = UInt64.max

    /// Room for `count` merges.
    init(count: Int) {
        var capacity = 16
        while capacity < count + count / 2 { capacity *= 2 }
        pairs = [UInt64](repeating: Self.free, count: capacity)
        merges = [Merge](repeating: Merge(rank: 0, token: 0), count: capacity)
    }

    static func pair(_ left: Token, _ right: Token) -> UInt64 {
        UInt64(left) << 32 | UInt64(right)
    }

    /// Adds a merge; of two for one pair the first stays. At most as many as `init` made room for.
    mutating func insert(_ pair: UInt64, _ merge: Merge) {
        var slot = firstSlot(pair)
        while pairs[slot] != Self.free {
            guard pairs[slot] != pair else { return }
            slot = (slot + 1) & (pairs.count - 1)
        }
        pairs[slot] = pair
        merges[slot] = merge
    }

    /// The merge of a pair, if there is one.
    func merge(_ pair: UInt64) -> Merge? {
        var slot = firstSlot(pair)
        while pairs[slot] != Self.free {
            if pairs[slot] == pair { return merges[slot] }
            slot = (slot + 1) & (pairs.count - 1)
        }
        return nil
    }

    private func firstSlot(_ pair: UInt64) -> Int {
        Int(truncatingIfNeeded: ByteHash.mix(pair)) & (pairs.count - 1)
    }
}
