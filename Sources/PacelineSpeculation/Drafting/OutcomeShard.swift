/// The subtrees that a drafter grows when several equal drafters serve one sequence.
///
/// All of them follow the preferred line, the chain of first children. A subtree that leaves it at depth d with sibling
/// number r belongs to the drafter with (d + r) mod count = index, so that identical drafters do not draft identical
/// trees.
package struct OutcomeShard: Sendable, Hashable {
    package var index: Int
    package var count: Int

    package init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// The shard of a drafter that is alone with a sequence.
    package static let whole = OutcomeShard(index: 0, count: 1)
}
