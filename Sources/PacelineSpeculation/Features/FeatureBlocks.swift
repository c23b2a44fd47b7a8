/// Features on their way to whoever reads them: blocks in the order of their positions, each row once.
package struct FeatureBlocks: Equatable, Sendable {
    package private(set) var blocks: [FeatureBlock] = []
    /// Rows of all blocks.
    package private(set) var rowCount = 0

    package init() {}

    /// Appends the rows of a block that come behind all others: to the last block if they follow it.
    package mutating func append(_ block: FeatureBlock) {
        let new = blocks.last.map { block.suffix(from: $0.end) } ?? block
        guard new.count > 0 else { return }
        rowCount += new.count
        let last = blocks.count - 1
        // Looked at in its place: a copy of the last block would have all of it copied when it grows.
        guard last >= 0, blocks[last].isFollowed(by: new) else { return blocks.append(new) }
        blocks[last].append(new)
    }
}

extension FeatureBlock {
    /// Whether a block's rows are of the same kind and begin where this one ends.
    fileprivate func isFollowed(by other: FeatureBlock) -> Bool {
        other.position == end && other.taps == taps && other.width == width
    }
}
