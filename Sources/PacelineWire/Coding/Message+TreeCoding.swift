import CPacelineProtocol
import PacelineSpeculation

extension Message.Tree: Payload {
    static var type: MessageType { .tree }

    init(copying structure: Paceline__V1__Tree, in phase: LinkPhase) throws(MessageError.Problem) {
        let limit = phase.treeLimits.nodes
        let parents = try Copy.elements("parents", structure.parents, count: structure.n_parents, atMost: limit)
        let tokens = try Copy.elements("tokens", structure.tokens, count: structure.n_tokens, atMost: limit)
        let surprisals = try Copy.elements(
            "surprisals",
            structure.surprisals,
            count: structure.n_surprisals,
            atMost: limit
        )
        guard surprisals.count == tokens.count else {
            throw .unequalCounts(
                field: "surprisals",
                count: surprisals.count,
                other: "tokens",
                otherCount: tokens.count
            )
        }
        let firstNode = Int(structure.first_node)
        try Check.range("first_node", firstNode, 0...limit)
        let shape = try TreeShape(firstNode: firstNode, distances: parents, tokens: tokens)
        self.init(
            request: structure.request,
            epoch: structure.epoch,
            baseLength: Int(structure.base_length),
            baseHash: BaseHash(rawValue: structure.base_hash),
            firstNode: firstNode,
            nodes: try Self.nodes(shape, surprisals: surprisals),
            isFinal: structure.final != 0
        )
    }

    private static func nodes(
        _ shape: TreeShape,
        surprisals: [UInt32]
    ) throws(MessageError.Problem) -> [TokenTree.Node] {
        var nodes: [TokenTree.Node] = []
        nodes.reserveCapacity(surprisals.count)
        for (offset, surprisal) in surprisals.enumerated() {
            try Check.range("a surprisal", Int(surprisal), 0...Int(Surprisal.maximum))
            nodes.append(
                TokenTree.Node(
                    parent: shape.parents[offset],
                    token: shape.tokens[offset],
                    logProbability: Surprisal.logProbability(of: surprisal)
                )
            )
        }
        return nodes
    }

    private var shape: TreeShape {
        TreeShape(firstNode: firstNode, parents: nodes.map(\.parent), tokens: nodes.map(\.token))
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("request", request)
        try Check.range("base_length", baseLength, 1...phase.baseLength)
        try shape.check(in: phase)
        for node in nodes where !(node.logProbability.isFinite && node.logProbability <= 0) {
            throw .tree(.invalidLogProbability(node.logProbability))
        }
    }

    func structure(in arena: PackArena) -> Paceline__V1__Tree {
        let (shape, surprisals) = (shape, nodes.map { Surprisal.steps(of: $0.logProbability) })
        var structure = Paceline__V1__Tree.make()
        structure.request = request
        structure.epoch = epoch
        structure.base_length = UInt32(baseLength)
        structure.base_hash = baseHash.rawValue
        structure.first_node = UInt32(firstNode)
        structure.n_parents = nodes.count
        structure.parents = arena.pointer(toElementsOf: shape.distances)
        structure.n_tokens = nodes.count
        structure.tokens = arena.pointer(toElementsOf: shape.tokens)
        structure.n_surprisals = nodes.count
        structure.surprisals = arena.pointer(toElementsOf: surprisals)
        structure.final = isFinal ? 1 : 0
        return structure
    }
}

extension Message.Verifying: Payload {
    static var type: MessageType { .verifying }

    init(copying structure: Paceline__V1__Verifying, in phase: LinkPhase) throws(MessageError.Problem) {
        let limit = phase.treeLimits.nodes
        let parents = try Copy.elements("parents", structure.parents, count: structure.n_parents, atMost: limit)
        let tokens = try Copy.elements("tokens", structure.tokens, count: structure.n_tokens, atMost: limit)
        let shape = try TreeShape(firstNode: 0, distances: parents, tokens: tokens)
        self.init(
            request: structure.request,
            epoch: structure.epoch,
            baseLength: Int(structure.base_length),
            baseHash: BaseHash(rawValue: structure.base_hash),
            nodes: zip(shape.parents, shape.tokens).map { Node(parent: $0, token: $1) }
        )
    }

    private var shape: TreeShape {
        TreeShape(firstNode: 0, parents: nodes.map(\.parent), tokens: nodes.map(\.token))
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("request", request)
        try Check.range("base_length", baseLength, 1...phase.baseLength)
        try shape.check(in: phase)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Verifying {
        let shape = shape
        var structure = Paceline__V1__Verifying.make()
        structure.request = request
        structure.epoch = epoch
        structure.base_length = UInt32(baseLength)
        structure.base_hash = baseHash.rawValue
        structure.n_parents = nodes.count
        structure.parents = arena.pointer(toElementsOf: shape.distances)
        structure.n_tokens = nodes.count
        structure.tokens = arena.pointer(toElementsOf: shape.tokens)
        return structure
    }
}
