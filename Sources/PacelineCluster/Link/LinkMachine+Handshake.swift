import PacelineWire

extension LinkMachine {
    /// Capabilities of a worker that this build makes use of.
    static let usedCapabilities: LinkCapabilities = [.deltas, .verifying, .sharedNoise]

    mutating func beginHandshake(now: Instant, into effects: inout [Effect]) throws(LinkFault) {
        switch side {
        case .worker(let hello):
            state = .awaitingWelcome
            try write(.hello(hello), now: now, into: &effects)
        case .verifier:
            state = .awaitingHello
        }
    }

    mutating func continueHandshake(
        _ message: Message,
        now: Instant,
        into effects: inout [Effect]
    ) throws(LinkFault) {
        switch (state, side, message) {
        case (.awaitingHello, .verifier(let identity), .hello(let hello)):
            let (welcome, peer) = try accept(hello, as: identity)
            try write(.welcome(welcome), now: now, into: &effects)
            establish(peer, now: now, into: &effects)
        case (.awaitingWelcome, .worker(let hello), .welcome(let welcome)):
            establish(try accept(welcome, for: hello), now: now, into: &effects)
        case (.awaitingHello, _, _):
            throw .unexpected(message.type, state: "a hello was due")
        default:
            throw .unexpected(message.type, state: "a welcome was due")
        }
    }

    private func accept(
        _ hello: Message.Hello,
        as identity: VerifierIdentity
    ) throws(LinkFault) -> (Message.Welcome, LinkPeer) {
        guard hello.role == .worker else {
            throw .unexpected(.hello, state: "a worker's hello was due, and a \(hello.role)'s came")
        }
        let version = try commonVersion(ours: identity.versions, theirs: hello.versions)
        try check(target: identity.fingerprint, drafter: hello.fingerprint)
        let capabilities = hello.capabilities.intersection(Self.usedCapabilities)
        let welcome = Message.Welcome(
            version: version,
            name: identity.name,
            incarnation: identity.incarnation,
            fingerprint: identity.fingerprint,
            capabilities: capabilities,
            heartbeatMilliseconds: Int(configuration.heartbeat.inMilliseconds),
            deadAfterMilliseconds: Int(configuration.deadAfter.inMilliseconds),
            limits: identity.limits
        )
        let peer = LinkPeer(
            version: version,
            name: hello.name,
            incarnation: hello.incarnation,
            fingerprint: hello.fingerprint,
            vocabularySize: identity.fingerprint.vocabularySize,
            capabilities: capabilities,
            slots: min(hello.slots, identity.limits.requests),
            contextLength: hello.contextLength,
            limits: identity.limits,
            heartbeat: configuration.heartbeat,
            deadAfter: configuration.deadAfter
        )
        return (welcome, peer)
    }

    private func accept(_ welcome: Message.Welcome, for hello: Message.Hello) throws(LinkFault) -> LinkPeer {
        guard hello.versions.contains(welcome.version) else {
            throw .noCommonVersion(ours: hello.versions, theirs: welcome.version...welcome.version)
        }
        try check(target: welcome.fingerprint, drafter: hello.fingerprint)
        return LinkPeer(
            version: welcome.version,
            name: welcome.name,
            incarnation: welcome.incarnation,
            fingerprint: welcome.fingerprint,
            vocabularySize: welcome.fingerprint.vocabularySize,
            capabilities: welcome.capabilities,
            slots: hello.slots,
            contextLength: hello.contextLength,
            limits: welcome.limits,
            heartbeat: .milliseconds(welcome.heartbeatMilliseconds),
            deadAfter: .milliseconds(welcome.deadAfterMilliseconds)
        )
    }

    /// The newest version that both sides speak.
    private func commonVersion(ours: ClosedRange<Int>, theirs: ClosedRange<Int>) throws(LinkFault) -> Int {
        guard ours.overlaps(theirs) else { throw .noCommonVersion(ours: ours, theirs: theirs) }
        return min(ours.upperBound, theirs.upperBound)
    }

    /// A drafter must give token ids the target's meaning; one without a model has no vocabulary to disagree about.
    private func check(target: ModelFingerprint, drafter: ModelFingerprint?) throws(LinkFault) {
        guard let drafter else { return }
        guard
            target.tokenizerHash == drafter.tokenizerHash, target.vocabularySize == drafter.vocabularySize
        else { throw .otherModel(target: target, drafter: drafter) }
    }
}
