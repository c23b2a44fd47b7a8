/// What a worker's tree should keep to; more is a waste of work, not an error.
package struct DraftLimits: Sendable, Equatable {
    package var nodes: Int
    package var depth: Int
    /// Children of one node.
    package var width: Int

    package init(nodes: Int, depth: Int, width: Int) {
        self.nodes = nodes
        self.depth = depth
        self.width = width
    }
}
