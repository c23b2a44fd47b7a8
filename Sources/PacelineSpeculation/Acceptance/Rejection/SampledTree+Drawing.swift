/// The trees that methods draw for the p/q rules, most of them without replacement. Where a tree grows is decided
/// before its tokens are drawn, or by values that do not tell which token has them.
extension SampledTree {
    /// A tree of a fixed shape, with replacement as in SpecInfer and SpecTr, so that siblings may be equal, or without
    /// as in MCSD. A width of 1 at each level gives a chain. Tokens that are impossible to the drafter are not drawn.
    ///
    /// - Parameter widths: for each level, how many children a node of the level above gets.
    package static func levels(
        widths: [Int],
        replacement: Replacement,
        law: ([Token]) throws -> TokenDistribution,
        chance: inout some Chance
    ) rethrows -> SampledTree {
        var nodes: [Node] = []
        var level: [(node: NodeIndex?, path: [Token])] = [(nil, [])]
        for width in widths {
            var next: [(node: NodeIndex?, path: [Token])] = []
            for (parent, path) in level {
                let law = try law(path)
                var drawn: [Token] = []
                for _ in 0..<max(0, width) {
                    guard let rest = replacement == .with ? law : law.excluding(drawn) else { break }
                    let token = chance.token(from: rest)
                    // Whether it is impossible does not depend on the token: then all that are left are.
                    guard law[token] > 0 else { break }
                    drawn.append(token)
                    next.append((nodes.count, path + [token]))
                    nodes.append(Node(parent: parent, token: token, law: law))
                }
            }
            level = next
        }
        return SampledTree(checked: nodes, replacement: replacement)
    }

    /// Sequoia's tree (arXiv 2402.12374): the child of each rank is drawn from what those before it left. Ranks that a
    /// drafter holds for impossible stay empty, with all below them.
    package static func ranked(
        _ shape: SequoiaShape,
        law: ([Token]) throws -> TokenDistribution,
        chance: inout some Chance
    ) rethrows -> SampledTree {
        var nodes: [Node] = []
        /// By index in the shape.
        var drawn: [(node: NodeIndex, path: [Token])?] = []
        for place in shape.nodes {
            drawn.append(nil)
            let above = place.parent.map { drawn[$0] }
            if let above, above == nil { continue }
            let (parent, path) = (above??.node, above??.path ?? [])
            let law = try law(path)
            let siblings = nodes.filter { $0.parent == parent }.map(\.token)
            // Whether it is impossible does not depend on the token: then all that are left are.
            guard let rest = law.excluding(siblings) else { continue }
            let token = chance.token(from: rest)
            guard law[token] > 0 else { continue }
            drawn[drawn.count - 1] = (nodes.count, path + [token])
            nodes.append(Node(parent: parent, token: token, law: law))
        }
        return SampledTree(checked: nodes)
    }

    /// DySpec's tree (arXiv 2410.11744): the next token is always drawn where it is most likely to be accepted, below a
    /// new node or beside an old one, if the drafter is right.
    ///
    /// - Parameters:
    ///   - count: how many nodes to draw.
    ///   - depth: the greatest depth of a node.
    ///   - fills: whether tokens that the drafter holds for impossible are drawn where no others are left.
    ///   - law: the drafter's distribution after some tokens.
    package static func greedy(
        nodes count: Int,
        depth: Int,
        fills: Bool = true,
        law: ([Token]) throws -> TokenDistribution,
        chance: inout some Chance
    ) rethrows -> SampledTree {
        var slots = Heap<Slot>()
        var nodes: [Node] = []
        if depth > 0 { slots.insert(Slot(value: 1, order: 0, parent: nil, path: [], law: try law([]), drawn: [])) }
        var order = 0
        while nodes.count < count, let slot = slots.popFirst() {
            guard let rest = slot.law.excluding(slot.drawn) else { continue }
            guard fills || slot.value > 0 else { break }
            let token = chance.token(from: rest)
            nodes.append(Node(parent: slot.parent, token: token, law: slot.law))
            order += 2
            var beside = slot
            beside.value *= 1 - rest[token]
            beside.drawn.append(token)
            beside.order = order
            slots.insert(beside)
            guard slot.path.count + 1 < depth else { continue }
            let path = slot.path + [token]
            let value = slot.value * rest[token]
            let after = try law(path)
            slots.insert(
                Slot(value: value, order: order + 1, parent: nodes.count - 1, path: path, law: after, drawn: [])
            )
        }
        return SampledTree(checked: nodes)
    }

    /// RSD-C's tree (arXiv 2402.14160): at each level a fixed number of children, by the Gumbel-top-k trick.
    ///
    /// - Parameter widths: for each level, how many children a node of the level above gets.
    package static func gumbelTopK(
        widths: [Int],
        noise: GumbelNoise,
        law: ([Token]) throws -> TokenDistribution
    ) rethrows -> SampledTree {
        var nodes: [Node] = []
        var level: [(node: NodeIndex?, path: [Token])] = [(nil, [])]
        for width in widths {
            var next: [(node: NodeIndex?, path: [Token])] = []
            for (parent, path) in level {
                let law = try law(path)
                let children = perturbed(.root, path, law, noise).sorted(by: Path.isGreater)
                for child in children.prefix(max(0, width)) {
                    next.append((nodes.count, child.tokens))
                    nodes.append(Node(parent: parent, token: child.token, law: law))
                }
            }
            level = next
        }
        return SampledTree(checked: nodes)
    }

    /// RSD-S's tree (arXiv 2402.14160): of each level the paths that stochastic beam search draws.
    ///
    /// - Parameter width: how many paths each level keeps.
    package static func stochasticBeam(
        width: Int,
        depth: Int,
        noise: GumbelNoise,
        law: ([Token]) throws -> TokenDistribution
    ) rethrows -> SampledTree {
        var nodes: [Node] = []
        var level: [(node: NodeIndex?, path: [Token], value: GumbelNoise.Perturbed)] = [(nil, [], .root)]
        for _ in 0..<max(0, depth) {
            let laws = try level.map { try law($0.path) }
            let children = zip(level, laws).enumerated().flatMap { index, parent in
                perturbed(parent.0.value, parent.0.path, parent.1, noise).map { (parent: index, path: $0) }
            }
            let kept = children.sorted { Path.isGreater($0.path, $1.path) }.prefix(max(0, width))
            level = kept.map { parent, child in
                nodes.append(Node(parent: level[parent].node, token: child.token, law: laws[parent]))
                return (nodes.count - 1, child.tokens, child.value)
            }
        }
        return SampledTree(checked: nodes)
    }

    /// The possible continuations of a path.
    private static func perturbed(
        _ parent: GumbelNoise.Perturbed,
        _ path: [Token],
        _ law: TokenDistribution,
        _ noise: GumbelNoise
    ) -> [Path] {
        let possible = law.probabilities.indices.filter { law.probabilities[$0] > 0 }.map { Token($0) }
        let children = possible.map { ($0, Double.logarithm(law[$0])) }
        return zip(possible, noise.children(of: parent, path: path, children)).map { token, value in
            Path(tokens: path + [token], token: token, value: value)
        }
    }
}

/// A place where a token can be drawn.
private struct Slot: Comparable {
    /// The probability that the token is accepted, if the drafter is right.
    var value: Double
    /// Of equals, the earlier slot comes first.
    var order: Int
    let parent: NodeIndex?
    let path: [Token]
    let law: TokenDistribution
    var drawn: [Token]

    static func < (one: Slot, other: Slot) -> Bool {
        one.value == other.value ? one.order < other.order : one.value > other.value
    }
}

private struct Path {
    let tokens: [Token]
    let token: Token
    let value: GumbelNoise.Perturbed

    /// Of equals, the lower token comes first.
    static func isGreater(_ one: Path, _ other: Path) -> Bool {
        one.value.value == other.value.value
            ? one.tokens.lexicographicallyPrecedes(other.tokens) : one.value.value > other.value.value
    }
}
