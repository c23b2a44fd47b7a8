import PacelineSpeculation

/// The rules for the nodes of one message, and the encoding of parents.
///
/// A parent is encoded as the distance back from the node, in the numbering of the whole tree, where the base has
/// index -1.
struct TreeShape {
    /// Index of the message's first node in the tree.
    var firstNode: Int
    var parents: [NodeIndex?]
    var tokens: [Token]

    init(firstNode: Int, parents: [NodeIndex?], tokens: [Token]) {
        self.firstNode = firstNode
        self.parents = parents
        self.tokens = tokens
    }

    /// Converts distances to parents; `firstNode` and the counts must have been checked.
    init(firstNode: Int, distances: [UInt32], tokens: [Token]) throws(MessageError.Problem) {
        guard distances.count == tokens.count else {
            throw .unequalCounts(
                field: "parents",
                count: distances.count,
                other: "tokens",
                otherCount: tokens.count
            )
        }
        self.init(firstNode: firstNode, parents: [], tokens: tokens)
        parents.reserveCapacity(distances.count)
        for (offset, distance) in distances.enumerated() {
            let index = firstNode + offset
            try Check.range("a parent's distance", Int(distance), 1...index + 1)
            let parent = index - Int(distance)
            parents.append(parent < 0 ? nil : parent)
        }
    }

    /// The distances back to the parents; the shape must have been checked.
    var distances: [UInt32] {
        parents.enumerated().map { offset, parent in UInt32(firstNode + offset - (parent ?? -1)) }
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        let limits = phase.treeLimits
        try Check.range("first_node", firstNode, 0...limits.nodes)
        guard firstNode + tokens.count <= limits.nodes else { throw .tree(.tooManyNodes(limit: limits.nodes)) }
        try Check.tokens(tokens, vocabularySize: phase.vocabularySize)
        try checkParents(depthLimit: limits.depth)
        try checkSiblings()
    }

    /// Depths below nodes of earlier messages are unknown here; a child of such a node has at least depth 2.
    private func checkParents(depthLimit: Int) throws(MessageError.Problem) {
        var depths: [Int] = []
        depths.reserveCapacity(parents.count)
        for (offset, parent) in parents.enumerated() {
            let index = firstNode + offset
            if let parent, !(0..<index).contains(parent) {
                throw .tree(.parentOutOfRange(parent: parent, nodeCount: index))
            }
            let depth = parent.map { $0 < firstNode ? 2 : depths[$0 - firstNode] + 1 } ?? 1
            guard depth <= depthLimit else { throw .tree(.tooDeep(depth: depth, limit: depthLimit)) }
            depths.append(depth)
        }
    }

    private func checkSiblings() throws(MessageError.Problem) {
        var seen = Set<UInt64>(minimumCapacity: tokens.count)
        for (parent, token) in zip(parents, tokens) {
            let key = UInt64((parent ?? -1) + 1) << 32 | UInt64(token)
            guard seen.insert(key).inserted else { throw .tree(.duplicateSibling(parent: parent, token: token)) }
        }
    }
}
