import CPacelineProtocol
import PacelineSpeculation

extension Message.Open: Payload {
    static var type: MessageType { .open }

    init(copying structure: Paceline__V1__Open, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(
            request: structure.request,
            epoch: structure.epoch,
            base: try Copy.elements(
                "base_tokens",
                structure.base_tokens,
                count: structure.n_base_tokens,
                atMost: WireLimits.basePart
            ),
            // Version 1 does not know the field.
            baseLength: structure.base_length == 0 || phase.version < 2 ? nil : Int(structure.base_length),
            baseHash: BaseHash(rawValue: structure.base_hash),
            sampling: try SamplingParameters(copying: try Check.present("sampling", structure.sampling)),
            credit: Int(structure.credit),
            limits: DraftLimits(copying: try Check.present("limits", structure.limits)),
            shard: structure.shard.map { OutcomeShard(copying: $0.pointee) } ?? .whole,
            lengthLimit: Int(structure.length_limit),
            traceID: try Copy.bytes("trace_id", structure.trace_id),
            requestID: try Copy.text("request_id", structure.request_id, atMost: WireLimits.requestIDBytes)
        )
        rest = DraftRestReason(rawValue: structure.rest.rawValue) ?? .unspecified
        if phase.version >= 2, let constraint = structure.constraint {
            self.constraint = try DraftConstraint(copying: constraint.pointee)
        }
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("request", request)
        try Check.range("the count of base_tokens", base.count, 1...WireLimits.basePart)
        let longest = phase.version < 2 ? base.count : phase.baseLength
        try Check.range("base_length", baseLength, base.count...longest)
        try Check.tokens(base, vocabularySize: phase.vocabularySize)
        try sampling.checkForWire(vocabularySize: phase.vocabularySize)
        try Check.range("credit", credit, 0...WireLimits.treeNodes)
        try limits.check()
        try shard.check()
        try Check.range("length_limit", lengthLimit, baseLength...Int(UInt32.max))
        try Check.traceID(traceID)
        try constraint?.check(baseLength: baseLength)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Open {
        var structure = Paceline__V1__Open.make()
        structure.request = request
        structure.epoch = epoch
        structure.n_base_tokens = base.count
        structure.base_tokens = arena.pointer(toElementsOf: base)
        structure.base_hash = baseHash.rawValue
        structure.sampling = arena.pointer(to: sampling.structure(in: arena))
        structure.credit = UInt32(credit)
        structure.limits = arena.pointer(to: limits.structure())
        structure.shard = shard == .whole ? nil : arena.pointer(to: shard.structure())
        structure.rest = Paceline__V1__RestReason(rawValue: rest.rawValue)
        structure.length_limit = UInt32(lengthLimit)
        structure.base_length = baseLength == base.count ? 0 : UInt32(baseLength)
        structure.trace_id = arena.bytes(traceID)
        structure.request_id = arena.text(requestID, limit: WireLimits.requestIDBytes)
        structure.constraint = constraint.map { arena.pointer(to: $0.structure(in: arena)) }
        return structure
    }
}

extension Message.Base: Payload {
    static var type: MessageType { .base }

    init(copying structure: Paceline__V1__Base, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(
            request: structure.request,
            offset: Int(structure.offset),
            tokens: try Copy.elements(
                "tokens",
                structure.tokens,
                count: structure.n_tokens,
                atMost: WireLimits.basePart
            )
        )
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("request", request)
        try Check.range("the count of tokens", tokens.count, 1...WireLimits.basePart)
        try Check.range("offset", offset, 1...WireLimits.baseLength - tokens.count)
        try Check.tokens(tokens, vocabularySize: phase.vocabularySize)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Base {
        var structure = Paceline__V1__Base.make()
        structure.request = request
        structure.offset = UInt32(offset)
        structure.n_tokens = tokens.count
        structure.tokens = arena.pointer(toElementsOf: tokens)
        return structure
    }
}

extension SamplingParameters {
    init(copying structure: Paceline__V1__Sampling) throws(MessageError.Problem) {
        let limit = Self.logitBiasLimit
        let (tokenCount, valueCount) = (structure.n_bias_tokens, structure.n_bias_values)
        let tokens = try Copy.elements("bias_tokens", structure.bias_tokens, count: tokenCount, atMost: limit)
        let values = try Copy.elements("bias_values", structure.bias_values, count: valueCount, atMost: limit)
        guard tokenCount == valueCount else {
            throw .unequalCounts(
                field: "bias_values",
                count: valueCount,
                other: "bias_tokens",
                otherCount: tokenCount
            )
        }
        self.init(
            temperature: structure.temperature,
            topK: Int(structure.top_k),
            topP: structure.top_p,
            minP: structure.min_p,
            repetitionPenalty: structure.repetition_penalty,
            frequencyPenalty: structure.frequency_penalty,
            presencePenalty: structure.presence_penalty,
            repeatLastN: Int(structure.repeat_last_n),
            logitBias: zip(tokens, values).map { LogitBias(token: $0, bias: $1) },
            seed: structure.seed
        )
    }

    func checkForWire(vocabularySize: Int) throws(MessageError.Problem) {
        let valid: SamplingParameters
        do {
            valid = try validated(vocabularySize: vocabularySize)
        } catch {
            throw .sampling(error)
        }
        guard valid.logitBias == logitBias else { throw .notAscending(field: "bias_tokens") }
    }

    func structure(in arena: PackArena) -> Paceline__V1__Sampling {
        var structure = Paceline__V1__Sampling.make()
        structure.temperature = temperature
        structure.top_k = UInt32(topK)
        structure.top_p = topP
        structure.min_p = minP
        structure.repetition_penalty = repetitionPenalty
        structure.frequency_penalty = frequencyPenalty
        structure.presence_penalty = presencePenalty
        structure.repeat_last_n = Int32(repeatLastN)
        structure.n_bias_tokens = logitBias.count
        structure.bias_tokens = arena.pointer(toElementsOf: logitBias.map(\.token))
        structure.n_bias_values = logitBias.count
        structure.bias_values = arena.pointer(toElementsOf: logitBias.map(\.bias))
        structure.seed = seed
        return structure
    }
}

extension DraftLimits {
    init(copying structure: Paceline__V1__DraftLimits) {
        self.init(
            nodes: Int(structure.nodes),
            depth: Int(structure.depth),
            width: Int(structure.width),
            surprisal: Int(structure.surprisal)
        )
    }

    func check() throws(MessageError.Problem) {
        try Check.range("limits.nodes", nodes, 1...WireLimits.treeNodes)
        try Check.range("limits.depth", depth, 1...WireLimits.treeDepth)
        try Check.range("limits.width", width, 1...WireLimits.treeWidth)
        try Check.range("limits.surprisal", surprisal, 0...Int(Surprisal.maximum))
    }

    func structure() -> Paceline__V1__DraftLimits {
        var structure = Paceline__V1__DraftLimits.make()
        structure.nodes = UInt32(nodes)
        structure.depth = UInt32(depth)
        structure.width = UInt32(width)
        structure.surprisal = UInt32(surprisal)
        return structure
    }
}

extension OutcomeShard {
    init(copying structure: Paceline__V1__OutcomeShard) {
        self.init(index: Int(structure.index), count: Int(structure.count))
    }

    func check() throws(MessageError.Problem) {
        try Check.range("shard.count", count, 1...WireLimits.shards)
        try Check.range("shard.index", index, 0...count - 1)
    }

    func structure() -> Paceline__V1__OutcomeShard {
        var structure = Paceline__V1__OutcomeShard.make()
        structure.index = UInt32(index)
        structure.count = UInt32(count)
        return structure
    }
}
