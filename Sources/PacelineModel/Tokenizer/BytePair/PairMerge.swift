import PacelineSpeculation

/// Two adjacent symbols that may merge. The smallest is applied first: the lowest rank, then the leftmost position.
struct PairMerge: Comparable {
    var rank: UInt32
    /// Index of the left symbol.
    var left: Int
    /// Identifies the two symbols, to check later whether the merge is still possible.
    var pair: UInt64
    var merged: Token

    static func < (one: PairMerge, other: PairMerge) -> Bool {
        one.rank == other.rank ? one.left < other.left : one.rank < other.rank
    }
}
