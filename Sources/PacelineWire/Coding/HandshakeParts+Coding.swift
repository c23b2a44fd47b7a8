import CPacelineProtocol

extension ModelFingerprint {
    init?(copying pointer: UnsafeMutablePointer<Paceline__V1__ModelFingerprint>?) throws(MessageError.Problem) {
        guard let structure = pointer?.pointee else { return nil }
        self.init(
            tokenizerHash: try Copy.bytes("tokenizer_hash", structure.tokenizer_hash),
            vocabularySize: Int(structure.vocabulary_size),
            model: try Copy.text("model", structure.model, atMost: WireLimits.modelBytes)
        )
    }

    func check() throws(MessageError.Problem) {
        try Check.digest("tokenizer_hash", tokenizerHash)
        try Check.range("vocabulary_size", vocabularySize, 1...WireLimits.vocabularySize)
    }

    func structure(in arena: PackArena) -> Paceline__V1__ModelFingerprint {
        var structure = Paceline__V1__ModelFingerprint.make()
        structure.tokenizer_hash = arena.bytes(tokenizerHash)
        structure.vocabulary_size = UInt32(vocabularySize)
        structure.model = arena.text(model, limit: WireLimits.modelBytes)
        return structure
    }
}

extension LinkLimits {
    init(copying structure: Paceline__V1__LinkLimits) {
        self.init(
            framePayload: Int(structure.frame_payload),
            treePayload: Int(structure.tree_payload),
            treeNodes: Int(structure.tree_nodes),
            treeDepth: Int(structure.tree_depth),
            requests: Int(structure.requests)
        )
    }

    func check() throws(MessageError.Problem) {
        try Check.range("limits.frame_payload", framePayload, WireLimits.treePayload...WireLimits.framePayload)
        try Check.range("limits.tree_payload", treePayload, WireLimits.handshakePayload...WireLimits.treePayload)
        try Check.range("limits.tree_nodes", treeNodes, 1...WireLimits.treeNodes)
        try Check.range("limits.tree_depth", treeDepth, 1...WireLimits.treeDepth)
        try Check.range("limits.requests", requests, 1...WireLimits.requests)
    }

    func structure() -> Paceline__V1__LinkLimits {
        var structure = Paceline__V1__LinkLimits.make()
        structure.frame_payload = UInt32(framePayload)
        structure.tree_payload = UInt32(treePayload)
        structure.tree_nodes = UInt32(treeNodes)
        structure.tree_depth = UInt32(treeDepth)
        structure.requests = UInt32(requests)
        return structure
    }
}
