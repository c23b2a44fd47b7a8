import CPacelineProtocol
import PacelineSpeculation

extension Message.Verdict: Payload {
    static var type: MessageType { .verdict }

    /// A full path and the correction after it.
    private static let tokenLimit = WireLimits.treeDepth + 1

    init(copying structure: Paceline__V1__Verdict, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(
            request: structure.request,
            epoch: structure.epoch,
            baseLength: Int(structure.base_length),
            baseHash: BaseHash(rawValue: structure.base_hash),
            tokens: try Copy.elements(
                "tokens",
                structure.tokens,
                count: structure.n_tokens,
                atMost: Self.tokenLimit
            ),
            verifiedNodes: Int(structure.verified_nodes),
            acceptedNodes: Int(structure.accepted_nodes),
            credit: Int(structure.credit),
            limits: structure.limits.map { DraftLimits(copying: $0.pointee) },
            shard: structure.shard.map { OutcomeShard(copying: $0.pointee) }
        )
        rest = DraftRestReason(rawValue: structure.rest.rawValue) ?? .unspecified
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("request", request)
        try Check.nonzero("epoch", epoch)
        try Check.range("the count of tokens", tokens.count, 1...Self.tokenLimit)
        try Check.tokens(tokens, vocabularySize: phase.vocabularySize)
        // The prompt has at least one token.
        try Check.range("base_length", baseLength, tokens.count + 1...phase.baseLength)
        try Check.range("verified_nodes", verifiedNodes, 0...WireLimits.treeNodes)
        try Check.range("accepted_nodes", acceptedNodes, 0...min(verifiedNodes, tokens.count - 1))
        try Check.range("credit", credit, 0...WireLimits.treeNodes)
        try limits?.check()
        try shard?.check()
    }

    func structure(in arena: PackArena) -> Paceline__V1__Verdict {
        var structure = Paceline__V1__Verdict.make()
        structure.request = request
        structure.epoch = epoch
        structure.base_length = UInt32(baseLength)
        structure.base_hash = baseHash.rawValue
        structure.n_tokens = tokens.count
        structure.tokens = arena.pointer(toElementsOf: tokens)
        structure.verified_nodes = UInt32(verifiedNodes)
        structure.accepted_nodes = UInt32(acceptedNodes)
        structure.credit = UInt32(credit)
        structure.limits = limits.map { arena.pointer(to: $0.structure()) }
        structure.shard = shard.map { arena.pointer(to: $0.structure()) }
        structure.rest = Paceline__V1__RestReason(rawValue: rest.rawValue)
        return structure
    }
}

extension Message.Close: Payload {
    static var type: MessageType { .close }

    init(copying structure: Paceline__V1__Close, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(
            request: structure.request,
            reason: Reason(rawValue: structure.reason.rawValue) ?? .unspecified,
            detail: try Copy.text("detail", structure.detail, atMost: WireLimits.reasonBytes)
        )
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("request", request)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Close {
        var structure = Paceline__V1__Close.make()
        structure.request = request
        structure.reason = Paceline__V1__CloseReason(rawValue: reason.rawValue)
        structure.detail = arena.text(detail, limit: WireLimits.reasonBytes)
        return structure
    }
}
