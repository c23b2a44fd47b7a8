extension TokenTree {
    /// Adds a node after all others.
    ///
    /// - Returns: the index of the new node.
    /// - Throws: ``TreeError`` when the node breaks a rule of the tree; the tree is then unchanged.
    @discardableResult
    package mutating func append(_ node: Node) throws(TreeError) -> NodeIndex {
        try check(node)
        guard child(of: node.parent, token: node.token) == nil else {
            throw .duplicateSibling(parent: node.parent, token: node.token)
        }
        return link(node)
    }

    /// Adds a node unless its parent already has a child with that token, which then stays unchanged.
    ///
    /// - Returns: the index of the new or the existing node, and whether it is new.
    /// - Throws: ``TreeError`` when the node breaks a rule of the tree; the tree is then unchanged.
    @discardableResult
    package mutating func insert(_ node: Node) throws(TreeError) -> (index: NodeIndex, isNew: Bool) {
        if let parent = node.parent, !indices.contains(parent) {
            throw .parentOutOfRange(parent: parent, nodeCount: count)
        }
        if let existing = child(of: node.parent, token: node.token) {
            return (existing, false)
        }
        try check(node)
        return (link(node), true)
    }

    /// Changes what is believed of a node's children. Candidates that are no children are ignored.
    ///
    /// - Returns: the largest change of a path's probability, at the children.
    mutating func revise(_ candidates: [Candidate], below node: NodeIndex?) -> Double {
        var first: NodeIndex?
        var change = 0.0
        let parent = pathLogProbability(of: node)
        for child in Array(children(of: node)) {
            guard let belief = candidates.first(where: { $0.token == entries[child].token })?.logProbability,
                belief != entries[child].logProbability
            else { continue }
            let (old, new) = (entries[child].pathLogProbability, parent + Double(belief))
            change = Swift.max(change, abs(Double.exponential(new) - Double.exponential(old)))
            entries[child].logProbability = belief
            first = first ?? child
        }
        for index in (first ?? count)..<count {
            let entry = entries[index]
            entries[index].pathLogProbability =
                pathLogProbability(of: self.parent(of: index)) + Double(entry.logProbability)
        }
        return change
    }

    private func check(_ node: Node) throws(TreeError) {
        if let parent = node.parent, !indices.contains(parent) {
            throw .parentOutOfRange(parent: parent, nodeCount: count)
        }
        let depth = depth(of: node.parent) + 1
        guard depth <= limits.depth else { throw .tooDeep(depth: depth, limit: limits.depth) }
        if let vocabularySize = limits.vocabularySize, Int(node.token) >= vocabularySize {
            throw .tokenOutOfVocabulary(token: node.token, vocabularySize: vocabularySize)
        }
        guard node.logProbability.isFinite, node.logProbability <= 0 else {
            throw .invalidLogProbability(node.logProbability)
        }
        guard count < Swift.min(limits.nodes, Int(Int32.max)) else { throw .tooManyNodes(limit: limits.nodes) }
    }

    /// Stores a node that has been checked.
    mutating func link(_ node: Node) -> NodeIndex {
        let index = count
        entries.append(
            Entry(
                token: node.token,
                logProbability: node.logProbability,
                pathLogProbability: pathLogProbability(of: node.parent) + Double(node.logProbability),
                parent: Int32(node.parent ?? -1),
                depth: Int32(depth(of: node.parent) + 1)
            )
        )
        var siblings = node.parent.map { entries[$0].children } ?? baseChildren
        if siblings.last >= 0 {
            entries[Int(siblings.last)].nextSibling = Int32(index)
        } else {
            siblings.first = Int32(index)
        }
        siblings.last = Int32(index)
        if let parent = node.parent {
            entries[parent].children = siblings
        } else {
            baseChildren = siblings
        }
        return index
    }
}
