/// Features on their way to whoever reads them: blocks in the order in which they came.
package struct FeatureBlocks: Equatable, Sendable {
    package private(set) var blocks: [FeatureBlock] = []

    package init() {}

    package var isEmpty: Bool { blocks.isEmpty }

    /// Rows of all blocks.
    package var rowCount: Int { blocks.reduce(0) { $0 + $1.count } }

    /// Appends a block: to the last one if it follows that.
    package mutating func append(_ block: FeatureBlock) {
        guard let last = blocks.last, last.end == block.position, last.taps == block.taps, last.width == block.width
        else { return blocks.append(block) }
        blocks[blocks.count - 1].append(block)
    }

    /// Drops the oldest rows beyond a number of them.
    package mutating func keep(last limit: Int) {
        var excess = rowCount - limit
        while excess > 0, let first = blocks.first {
            if first.count > excess {
                blocks[0] = first.suffix(from: first.position + excess)
            } else {
                blocks.removeFirst()
            }
            excess -= first.count
        }
    }
}
