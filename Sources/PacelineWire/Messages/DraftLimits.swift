import PacelineSpeculation

/// Recommended limits for a worker's tree. Exceeding them wastes work but is not an error.
package struct DraftLimits: Sendable, Equatable {
    package var nodes: Int
    package var depth: Int
    /// Children of one node.
    package var width: Int
    /// Surprisal of a path, in 1/1024 nat, beyond which it is not worth verifying. 0 for no bound.
    package var surprisal: Int

    package init(nodes: Int, depth: Int, width: Int, surprisal: Int = 0) {
        self.nodes = nodes
        self.depth = depth
        self.width = width
        self.surprisal = surprisal
    }

    /// The path probability below which a node is not worth verifying; 0 for no bound.
    package var minimumProbability: Double {
        get {
            surprisal == 0 ? 0 : Double.exponential(Double(Surprisal.logProbability(of: UInt32(surprisal))))
        }
        set {
            // In half nats, so that small changes need not be sent.
            let halves = newValue > 0 ? (-Double.logarithm(Swift.min(newValue, 1)) * 2).rounded(.up) : 0
            surprisal = Int(Swift.min(halves * 512, Double(Surprisal.maximum)))
        }
    }
}
