/// Which of the likely outcomes a worker drafts for: those whose rank among their siblings is `index` modulo `count`.
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
