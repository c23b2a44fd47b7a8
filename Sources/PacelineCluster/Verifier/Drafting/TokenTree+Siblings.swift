import PacelineSpeculation

extension TokenTree {
    /// The probabilities of nodes, where those of siblings are scaled down to add up to `limit` at most: a node has one
    /// successor.
    func limiting(_ probabilities: [Double], ofSiblings limit: Double) -> [Double] {
        // Children of the base come first, then those of node 0, and so on.
        var totals = [Double](repeating: 0, count: count + 1)
        for (node, probability) in zip(self, probabilities) {
            totals[place(of: node.parent)] += probability
        }
        return zip(self, probabilities).map { node, probability in
            let total = totals[place(of: node.parent)]
            return total > limit ? probability * limit / total : probability
        }
    }

    private func place(of parent: NodeIndex?) -> Int {
        parent.map { $0 + 1 } ?? 0
    }
}
