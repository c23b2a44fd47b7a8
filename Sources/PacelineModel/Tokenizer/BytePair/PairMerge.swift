import PacelineSpeculation

/// Two adjacent symbols that may become one. The least is applied first: the one of the smallest rank, and of the
/// leftmost position among equals.
struct PairMerge: Comparable {
    var rank: UInt32
    /// Index of the left symbol.
    var left: Int
    /// What the two symbols were, to tell whether the merge is still possible.
    var pair: UInt64
    var merged: Token

    static func < (one: PairMerge, other: PairMerge) -> Bool {
        one.rank == other.rank ? one.left < other.left : one.rank < other.rank
    }
}
