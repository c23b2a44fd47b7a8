import PacelineSpeculation

extension TokenTree {
    /// The probabilities of nodes, where those of siblings are scaled down to add up to `limit` at most: a node has one
    /// successor.
    func limiting(_ probabilities: [Double], ofSiblings limit: Double) -> [Double] {
        guard !probabilities.isEmpty else { return [] }
        // Children of the base come first, then those of node 0, and so on.
        var totals = [Double](repeating: 0, count: count + 1)
        for node in probabilities.indices { totals[place(of: parent(of: node))] += probabilities[node] }
        return probabilities.indices.map { node in
            let total = totals[place(of: parent(of: node))]
            return total > limit ? probabilities[node] * limit / total : probabilities[node]
        }
    }

    private func place(of parent: NodeIndex?) -> Int {
        parent.map { $0 + 1 } ?? 0
    }
}
