import CPacelineProtocol

extension ModelFingerprint {
    init?(copying pointer: UnsafeMutablePointer<Paceline__V1__ModelFingerprint>?) throws(MessageError.Problem) {
        guard let structure = pointer?.pointee else { return nil }
        self.init(
            tokenizerHash: try Copy.bytes("tokenizer_hash", structure.tokenizer_hash),
            vocabularySize: Int(structure.vocabulary_size),
            tokens: try Tokens(copying: structure),
            model: try Copy.text("model", structure.model, atMost: WireLimits.modelBytes)
        )
    }

    /// - Parameter version: the newest protocol version that the connection may use.
    func check(version: Int) throws(MessageError.Problem) {
        try Check.digest("tokenizer_hash", tokenizerHash)
        try Check.range("vocabulary_size", vocabularySize, 1...WireLimits.vocabularySize)
        guard let tokens else {
            if version >= 2 { throw .missing(field: "vocabulary_hash") }
            return
        }
        try Check.digest("vocabulary_hash", tokens.hash)
        try Check.range("token_count", tokens.count, 1...vocabularySize)
    }

    func structure(in arena: PackArena) -> Paceline__V1__ModelFingerprint {
        var structure = Paceline__V1__ModelFingerprint.make()
        structure.tokenizer_hash = arena.bytes(tokenizerHash)
        structure.vocabulary_size = UInt32(vocabularySize)
        structure.model = arena.text(model, limit: WireLimits.modelBytes)
        structure.vocabulary_hash = arena.bytes(tokens?.hash ?? [])
        structure.token_count = UInt32(tokens?.count ?? 0)
        return structure
    }
}

extension ModelFingerprint.Tokens {
    /// nil if both fields are absent.
    fileprivate init?(copying structure: Paceline__V1__ModelFingerprint) throws(MessageError.Problem) {
        let hash = try Copy.bytes("vocabulary_hash", structure.vocabulary_hash)
        guard !hash.isEmpty || structure.token_count > 0 else { return nil }
        self.init(hash: hash, count: Int(structure.token_count))
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
