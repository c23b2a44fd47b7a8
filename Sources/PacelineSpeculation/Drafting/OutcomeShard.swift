/// The subtrees that a drafter grows when several identical drafters serve one sequence.
///
/// Every drafter follows the preferred line, the chain of first children. A subtree that leaves it at depth d with
/// sibling number r belongs to the drafter with (d + r) mod count = index. So identical drafters draft different trees.
package struct OutcomeShard: Sendable, Hashable {
    package var index: Int
    package var count: Int

    package init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// The shard of a drafter that serves a sequence alone.
    package static let whole = OutcomeShard(index: 0, count: 1)
}
