import PacelineSpeculation
import PacelineWire

extension LinkMachine {
    /// The capabilities of a worker that this build uses in a version of the protocol.
    private static func usedCapabilities(version: Int) -> LinkCapabilities {
        let always: LinkCapabilities = [.deltas, .verifying, .sharedNoise]
        return version < 2 ? always : always.union([.constraints, .features])
    }

    /// The features that a worker reads and has told of as it should.
    private static func demand(of hello: Message.Hello) -> FeatureDemand? {
        hello.capabilities.contains(.features) ? hello.features : nil
    }

    mutating func beginHandshake(_ nonce: LinkNonce, now: Instant) throws(LinkFault) {
        guard case .idle = state else { throw .internal("a connection came up twice") }
        self.nonce = nonce
        switch side {
        case .worker(let hello):
            state = .awaitingWelcome(challenged: false)
            try say(.hello(greeting(hello)), now: now)
        case .verifier:
            state = .awaitingHello
        }
    }

    mutating func continueHandshake(_ received: MessageReader.Received, now: Instant) throws(LinkFault) {
        switch (state, side, received.message) {
        case (.awaitingHello, .verifier(let identity), .hello(let hello)):
            transcript.append(received.frame.encoded)
            try receive(hello, as: identity, now: now)
        case (.awaitingProof(let hello, let version), .verifier(let identity), .authenticate(let answer)):
            try check(answer)
            transcript.append(received.frame.encoded)
            try welcome(hello, version: version, as: identity, now: now)
        case (.awaitingWelcome(challenged: false), .worker(let hello), .challenge(let challenge)):
            transcript.append(received.frame.encoded)
            try answer(challenge, to: hello, now: now)
        case (.awaitingWelcome(let challenged), .worker(let hello), .welcome(let welcome)):
            try check(welcome, challenged: challenged)
            establish(try accept(welcome, for: hello), now: now)
        default:
            throw .unexpected(received.message.type, state: state.words)
        }
    }

    /// Sends a message of the handshake. The proofs cover its bytes.
    private mutating func say(_ message: Message, now: Instant) throws(LinkFault) {
        transcript.append(try write(message, now: now))
    }
}

// MARK: The verifier's side

extension LinkMachine {
    private mutating func receive(
        _ hello: Message.Hello,
        as identity: VerifierIdentity,
        now: Instant
    ) throws(LinkFault) {
        guard hello.role == .worker else {
            throw .unexpected(.hello, state: "a worker's hello was due, and a \(hello.role)'s came")
        }
        let version = try commonVersion(ours: identity.versions, theirs: hello.versions)
        switch (configuration.token == nil, hello.nonce.isEmpty) {
        case (true, true):
            try welcome(hello, version: version, as: identity, now: now)
        case (true, false): throw .authenticationFailed(.verifierHasNoToken)
        case (false, true): throw .authenticationFailed(.workerHasNoToken)
        case (false, false):
            state = .awaitingProof(hello, version: version)
            let challenge = Message.Challenge(version: version, nonce: nonce?.bytes ?? [])
            try say(.challenge(challenge), now: now)
        }
    }

    private func check(_ answer: Message.Authenticate) throws(LinkFault) {
        guard let token = configuration.token, transcript.isProof(answer.proof, of: .worker, with: token) else {
            throw .authenticationFailed(.workerProofWrong)
        }
    }

    /// Tells the worker about the verifier, and lets it in if their models match.
    private mutating func welcome(
        _ hello: Message.Hello,
        version: Int,
        as identity: VerifierIdentity,
        now: Instant
    ) throws(LinkFault) {
        try check(target: identity.fingerprint, drafter: hello.fingerprint, version: version)
        var capabilities = hello.capabilities.intersection(Self.usedCapabilities(version: version))
        if Self.demand(of: hello).map(identity.serves) != true { capabilities.remove(.features) }
        let welcome = Message.Welcome(
            version: version,
            name: identity.name,
            incarnation: identity.incarnation,
            fingerprint: identity.fingerprint,
            capabilities: capabilities,
            heartbeatMilliseconds: Int(configuration.heartbeat.inMilliseconds),
            deadAfterMilliseconds: Int(configuration.deadAfter.inMilliseconds),
            limits: identity.limits,
            proof: configuration.token.map { transcript.proof(of: .verifier, with: $0) } ?? []
        )
        try say(.welcome(welcome), now: now)
        establish(peer(hello, version: version, capabilities, as: identity), now: now)
    }

    private func peer(
        _ hello: Message.Hello,
        version: Int,
        _ capabilities: LinkCapabilities,
        as identity: VerifierIdentity
    ) -> LinkPeer {
        LinkPeer(
            version: version,
            name: hello.name.printable,
            incarnation: hello.incarnation,
            fingerprint: hello.fingerprint,
            vocabularySize: identity.fingerprint.tokenBound(version: version),
            capabilities: capabilities,
            features: capabilities.contains(.features) ? hello.features : nil,
            slots: min(hello.slots, identity.limits.requests),
            contextLength: hello.contextLength,
            limits: identity.limits,
            heartbeat: configuration.heartbeat,
            deadAfter: configuration.deadAfter
        )
    }
}

// MARK: The worker's side

extension LinkMachine {
    /// The worker's hello, with a question for the verifier if the worker has a token.
    private func greeting(_ hello: Message.Hello) -> Message.Hello {
        var greeting = hello
        greeting.nonce = configuration.token == nil ? [] : nonce?.bytes ?? []
        return greeting
    }

    private mutating func answer(
        _ challenge: Message.Challenge,
        to hello: Message.Hello,
        now: Instant
    ) throws(LinkFault) {
        guard let token = configuration.token else { throw .authenticationFailed(.workerHasNoToken) }
        guard hello.versions.contains(challenge.version) else {
            throw .noCommonVersion(ours: hello.versions, theirs: challenge.version...challenge.version)
        }
        state = .awaitingWelcome(challenged: true)
        let proof = transcript.proof(of: .worker, with: token)
        try say(.authenticate(Message.Authenticate(proof: proof)), now: now)
    }

    /// A worker with a token trusts only verifiers that prove they have it.
    private func check(_ welcome: Message.Welcome, challenged: Bool) throws(LinkFault) {
        guard let token = configuration.token else { return }
        guard challenged else { throw .authenticationFailed(.challengeSkipped) }
        guard transcript.isProof(welcome.proof, of: .verifier, with: token) else {
            throw .authenticationFailed(.verifierProofWrong)
        }
    }

    private func accept(_ welcome: Message.Welcome, for hello: Message.Hello) throws(LinkFault) -> LinkPeer {
        guard hello.versions.contains(welcome.version) else {
            throw .noCommonVersion(ours: hello.versions, theirs: welcome.version...welcome.version)
        }
        try check(target: welcome.fingerprint, drafter: hello.fingerprint, version: welcome.version)
        return LinkPeer(
            version: welcome.version,
            name: welcome.name.printable,
            incarnation: welcome.incarnation,
            fingerprint: welcome.fingerprint,
            vocabularySize: welcome.fingerprint.tokenBound(version: welcome.version),
            capabilities: welcome.capabilities,
            features: welcome.version >= 2 && welcome.capabilities.contains(.features) ? Self.demand(of: hello) : nil,
            slots: hello.slots,
            contextLength: hello.contextLength,
            limits: welcome.limits,
            heartbeat: .milliseconds(welcome.heartbeatMilliseconds),
            deadAfter: .milliseconds(welcome.deadAfterMilliseconds)
        )
    }
}

// MARK: Both sides

extension LinkMachine {
    /// The newest version that both sides speak.
    private func commonVersion(ours: ClosedRange<Int>, theirs: ClosedRange<Int>) throws(LinkFault) -> Int {
        guard ours.overlaps(theirs) else { throw .noCommonVersion(ours: ours, theirs: theirs) }
        if PlantedBug.newestVersionForced.isPlanted { return max(ours.upperBound, theirs.upperBound) }
        return min(ours.upperBound, theirs.upperBound)
    }

    /// A drafter's token ids must mean what the target's do. A drafter without a model has no vocabulary of its own.
    private func check(target: ModelFingerprint, drafter: ModelFingerprint?, version: Int) throws(LinkFault) {
        guard let drafter, !target.sharesTokens(with: drafter, version: version) else { return }
        if PlantedBug.otherModelAccepted.isPlanted { return }
        throw .otherModel(target: target, drafter: drafter)
    }
}
