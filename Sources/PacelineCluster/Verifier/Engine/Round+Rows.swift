package import PacelineSpeculation

extension Round {
    /// The rows of a round whose tokens are committed after it: all of the base, which come first, and of the nodes
    /// those that were accepted.
    ///
    /// - Parameters:
    ///   - base: how many rows of the base the round computes.
    ///   - path: the accepted nodes, in the tree that the round computes.
    package static func committedRows(base: Int, path: [NodeIndex]) -> [Int] {
        let nodes = PlantedBug.rejectedFeaturesTold.isPlanted ? Array(path.indices) : path
        return Array(0..<base) + nodes.map { base + $0 }
    }
}
