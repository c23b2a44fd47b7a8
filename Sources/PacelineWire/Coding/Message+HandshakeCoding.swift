import CPacelineProtocol
import PacelineSpeculation

extension Message.Hello: Payload {
    static var type: MessageType { .hello }

    init(copying structure: Paceline__V1__Hello, in phase: LinkPhase) throws(MessageError.Problem) {
        let maximum = Int(structure.maximum_version)
        try Check.range("maximum_version", maximum, 1...Int(UInt16.max))
        try Check.range("minimum_version", Int(structure.minimum_version), 1...maximum)
        guard let role = Message.Role(rawValue: structure.role.rawValue) else {
            throw .outOfRange(field: "role", found: Int(structure.role.rawValue), allowed: 1...2)
        }
        self.init(
            versions: Int(structure.minimum_version)...maximum,
            role: role,
            name: try Copy.text("name", structure.name, atMost: WireLimits.nameBytes),
            incarnation: structure.incarnation,
            fingerprint: try ModelFingerprint(copying: structure.fingerprint),
            capabilities: LinkCapabilities(rawValue: structure.capabilities),
            slots: Int(structure.slots),
            contextLength: structure.context_length == 0 ? nil : Int(structure.context_length),
            nonce: try Copy.bytes("nonce", structure.nonce),
            features: try FeatureDemand(copying: structure.features)
        )
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.range("minimum_version", versions.lowerBound, 1...versions.upperBound)
        try Check.range("maximum_version", versions.upperBound, 1...Int(UInt16.max))
        try Check.notEmpty("name", name)
        try Check.nonzero("incarnation", incarnation)
        try fingerprint?.check(version: versions.upperBound)
        try Check.range("slots", slots, 1...WireLimits.requests)
        if let contextLength { try Check.range("context_length", contextLength, 1...Int(UInt32.max)) }
        try Check.digest("nonce", nonce, orEmpty: true)
        try features?.check()
    }

    func structure(in arena: PackArena) -> Paceline__V1__Hello {
        var structure = Paceline__V1__Hello.make()
        structure.minimum_version = UInt32(versions.lowerBound)
        structure.maximum_version = UInt32(versions.upperBound)
        structure.role = Paceline__V1__Role(rawValue: role.rawValue)
        structure.name = arena.text(name, limit: WireLimits.nameBytes)
        structure.incarnation = incarnation
        structure.fingerprint = fingerprint.map { arena.pointer(to: $0.structure(in: arena)) }
        structure.capabilities = capabilities.rawValue
        structure.slots = UInt32(slots)
        structure.context_length = UInt32(contextLength ?? 0)
        structure.nonce = arena.bytes(nonce)
        structure.features = features.map { arena.pointer(to: $0.structure(in: arena)) }
        return structure
    }
}

extension Message.Challenge: Payload {
    static var type: MessageType { .challenge }

    init(copying structure: Paceline__V1__Challenge, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(version: Int(structure.version), nonce: try Copy.bytes("nonce", structure.nonce))
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.range("version", version, 1...Int(UInt16.max))
        try Check.digest("nonce", nonce)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Challenge {
        var structure = Paceline__V1__Challenge.make()
        structure.version = UInt32(version)
        structure.nonce = arena.bytes(nonce)
        return structure
    }
}

extension Message.Authenticate: Payload {
    static var type: MessageType { .authenticate }

    init(copying structure: Paceline__V1__Authenticate, in phase: LinkPhase) throws(MessageError.Problem) {
        self.init(proof: try Copy.bytes("proof", structure.proof))
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.digest("proof", proof)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Authenticate {
        var structure = Paceline__V1__Authenticate.make()
        structure.proof = arena.bytes(proof)
        return structure
    }
}

extension Message.Welcome: Payload {
    static var type: MessageType { .welcome }

    init(copying structure: Paceline__V1__Welcome, in phase: LinkPhase) throws(MessageError.Problem) {
        guard let fingerprint = try ModelFingerprint(copying: structure.fingerprint) else {
            throw .missing(field: "fingerprint")
        }
        self.init(
            version: Int(structure.version),
            name: try Copy.text("name", structure.name, atMost: WireLimits.nameBytes),
            incarnation: structure.incarnation,
            fingerprint: fingerprint,
            capabilities: LinkCapabilities(rawValue: structure.capabilities),
            heartbeatMilliseconds: Int(structure.heartbeat_ms),
            deadAfterMilliseconds: Int(structure.dead_after_ms),
            limits: LinkLimits(copying: try Check.present("limits", structure.limits)),
            proof: try Copy.bytes("proof", structure.proof)
        )
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.range("version", version, 1...Int(UInt16.max))
        try Check.notEmpty("name", name)
        try Check.nonzero("incarnation", incarnation)
        try fingerprint.check(version: version)
        try Check.range("heartbeat_ms", heartbeatMilliseconds, 10...60_000)
        try Check.range("dead_after_ms", deadAfterMilliseconds, 2 * heartbeatMilliseconds...600_000)
        try limits.check()
        try Check.digest("proof", proof, orEmpty: true)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Welcome {
        var structure = Paceline__V1__Welcome.make()
        structure.version = UInt32(version)
        structure.name = arena.text(name, limit: WireLimits.nameBytes)
        structure.incarnation = incarnation
        structure.fingerprint = arena.pointer(to: fingerprint.structure(in: arena))
        structure.capabilities = capabilities.rawValue
        structure.heartbeat_ms = UInt32(heartbeatMilliseconds)
        structure.dead_after_ms = UInt32(deadAfterMilliseconds)
        structure.limits = arena.pointer(to: limits.structure())
        structure.proof = arena.bytes(proof)
        return structure
    }
}
