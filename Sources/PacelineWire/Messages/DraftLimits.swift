import PacelineSpeculation

/// What a worker's tree should keep to; more is a waste of work, not an error.
package struct DraftLimits: Sendable, Equatable {
    package var nodes: Int
    package var depth: Int
    /// Children of one node.
    package var width: Int
    /// Of a path, in 1/1024 nat: what is less probable than that is not worth verifying. 0 for no bound.
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
            // In half nats, so that small changes need not be told.
            let halves = newValue > 0 ? (-Double.logarithm(Swift.min(newValue, 1)) * 2).rounded(.up) : 0
            surprisal = Int(Swift.min(halves * 512, Double(Surprisal.maximum)))
        }
    }
}
