/// Which outcomes a worker drafts for when several serve one request.
///
/// All of them follow the preferred line, the chain of first children; a subtree that leaves it at depth d with sibling
/// number r is drafted by the worker with (d + r) mod count = index.
package struct OutcomeShard: Sendable, Equatable {
    package var index: Int
    package var count: Int

    package init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// The shard of a worker that is alone with a request.
    package static let whole = OutcomeShard(index: 0, count: 1)
}
