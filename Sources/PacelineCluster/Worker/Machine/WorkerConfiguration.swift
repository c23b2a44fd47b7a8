package import PacelineSpeculation
package import PacelineWire

/// What an operator decides about a worker.
package struct WorkerConfiguration: Sendable {
    /// Shown to people: what the worker drafts with if it has no model.
    package var name: String
    /// Nil for a worker without a model.
    package var fingerprint: ModelFingerprint?
    /// How many requests it drafts for at once, over all verifiers.
    package var slots = 8
    /// How many members of groups it serves at once.
    package var memberLimit = 16
    /// The longest base and tree that its drafters can hold; nil for no bound.
    package var contextLength: Int?
    /// Whether its drafters make use of what a request's text must be; they need a tokenizer for that.
    package var usesConstraints = false
    /// Which features of the target its drafters read; nil for none.
    package var features: FeatureDemand?
    package var draft = DraftSettings()
    /// The first wait before connecting again, and the longest; each wait is 1.6 times the one before.
    package var reconnectDelay: ClosedRange<Duration> = .milliseconds(100)...(.seconds(5))
    /// How long the open requests of a verifier are still drafted for when it is no longer one of those to serve.
    package var retirement = Duration.seconds(120)
    /// How long a draft step may make no progress before the process counts as hung, and is best started anew.
    package var hangLimit = Duration.seconds(30)
    package var link = LinkConfiguration()

    package init(name: String, fingerprint: ModelFingerprint?) {
        self.name = name
        self.fingerprint = fingerprint
    }

    /// What the worker drafts with, as verifiers name it in their figures.
    package var drafter: String { fingerprint?.model ?? name }

    /// What the worker offers in the handshake.
    var capabilities: LinkCapabilities {
        var capabilities: LinkCapabilities = [.deltas, .verifying, .sharedNoise]
        if usesConstraints { capabilities.insert(.constraints) }
        if features != nil { capabilities.insert(.features) }
        return capabilities
    }
}

/// How a worker drafts, as its operator decides.
package struct DraftSettings: Sendable, Hashable {
    /// How many nodes a model expands in one step.
    package var batch = 8
    /// Drafting pauses when a step promises fewer expected tokens than this.
    package var minimumGain = 0.02
    /// Paths less probable than this are held back while there are better ones.
    package var minimumProbability = 0.005
    /// What shapes trees; nil for best-first growth.
    package var planner: PlannerSettings?

    package init() {}
}
