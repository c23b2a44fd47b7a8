package import PacelineModel
package import PacelineSpeculation
package import PacelineWire

/// The target model as the verifier's compute thread sees it.
///
/// All methods are called on one thread, in the order of the passes; conformers need not be `Sendable`. The promise of
/// the system rests on this protocol. The token that `run` decides for a position depends only on the tokens before it,
/// the sampling parameters, the mask and the position. It must not depend on the tree, on other rounds of the pass or
/// on how the base was cut into prefills.
package protocol TargetEngine: AnyObject {
    /// Makes room for a sequence whose base is not computed yet.
    ///
    /// - Throws: any error; the request fails with its description and the others go on.
    func open(_ opening: Pass.Opening) throws

    /// Frees what belongs to a sequence. A sequence that is not open is no error.
    func close(_ request: RequestID)

    /// Computes all rounds in one forward pass.
    ///
    /// - Parameters:
    ///   - rounds: at most one per sequence, all of open sequences. A `verify` comes only when all of the base but its
    ///     last token has been computed.
    ///   - taps: the features that outcomes carry of the committed tokens that the rounds compute; the target has them.
    ///   - progress: advance it at least every 100 ms (between layers, say), or peers take the process for dead.
    /// - Returns: as many outcomes as rounds, in their order.
    /// - Throws: only what makes the engine unusable for every sequence.
    func run(_ rounds: [Round], taps: [FeatureTap], progress: ComputeProgress) throws -> [RoundOutcome]

    /// The part of the last ``run(_:taps:progress:)`` that went into choosing tokens; nil if the engine does not
    /// measure it.
    var samplingMilliseconds: Double? { get }
}

extension TargetEngine {
    package var samplingMilliseconds: Double? { nil }

    /// A pass whose features nobody reads.
    package func run(_ rounds: [Round], progress: ComputeProgress) throws -> [RoundOutcome] {
        try run(rounds, taps: [], progress: progress)
    }
}

/// What the verifier must know of a target before its engine runs.
package struct TargetDescription: Sendable {
    /// Which model it is, and what its token ids mean: a worker's must mean the same.
    package var fingerprint: ModelFingerprint
    /// Tokens that one sequence may hold, prompt included.
    package var contextLength: Int
    /// Tokens that all open sequences may hold together.
    package var cacheCapacity: Int
    /// What passes cost at first; nil to have it measured at start-up.
    package var costs: CostCurve?
    /// Counts the pages of keys and values, from any thread; nil for an engine without pages.
    package var pages: (@Sendable () -> KVPageUsage)?
    /// How many layers it has, whose features workers may read; nil for an engine that gives none.
    package var featureLayers: Int?

    package init(
        fingerprint: ModelFingerprint,
        contextLength: Int,
        cacheCapacity: Int,
        costs: CostCurve? = nil,
        pages: (@Sendable () -> KVPageUsage)? = nil,
        featureLayers: Int? = nil
    ) {
        self.fingerprint = fingerprint
        self.contextLength = contextLength
        self.cacheCapacity = cacheCapacity
        self.costs = costs
        self.pages = pages
        self.featureLayers = featureLayers
    }
}

/// A target that is ready to serve, as loading it on the compute thread returns it.
package struct LoadedTarget {
    package var engine: any TargetEngine
    package var description: TargetDescription

    package init(engine: any TargetEngine, description: TargetDescription) {
        self.engine = engine
        self.description = description
    }
}
