/// What one worker's drafting is worth, and how much credit it earns. It keeps moving averages of the committed tokens
/// that lay on its tree, per verdict and per node.
///
/// A stranger starts with little credit, which each verdict that finds it right doubles: drafting costs processor time,
/// perhaps the verifier's own. A worker that achieves nothing for a while rests. It then gets no credit but for short
/// probes, ever more rarely, by which it can prove itself again.
struct WorkerYield: Sendable {
    private static let memory = 32.0
    /// Verdicts before a judgement is made.
    static let trial = 32
    /// A judgement comes earlier if this many first verdicts all found a tree, but no right token on it.
    static let shortTrial = 12
    /// Below this many tokens per verdict a worker rests.
    private static let floor = 0.02
    /// Verdicts until the end of the first probe, the most until the end of the next, and the length of a probe.
    private static let firstProbe = 64
    private static let longestPause = 256
    private static let probeLength = 6
    private static let probeCredit = 8
    /// The credit of a worker that nothing is known of.
    private static let firstCredit = 32
    /// The least credit of any other: over a slow link even a good worker rarely has its tree in time.
    private static let basicCredit = 128
    /// Beyond that, credit is this many times the nodes of the worker's tree at a verdict …
    private static let headroom = 4.0
    /// … but no more than its accepted tokens would need if this share of its nodes were accepted.
    private static let poorYield = 1.0 / 128

    private var verdicts = 0
    /// Verdicts that found nothing right on a tree of the worker; nil once one has found something.
    private var refutations: Int? = 0
    /// Committed tokens on the worker's tree, per verdict.
    private(set) var tokensPerVerdict = 0.0
    /// Nodes of the worker's tree at a verdict.
    private var nodesPerVerdict = 0.0
    /// Verdicts that found something right on a tree of the worker.
    private var agreements = 0
    /// Verdicts since the worker began to rest, or since the last probe.
    private var rested: Int?
    /// Verdicts until the end of the next probe.
    private var pause = firstProbe
    /// Its tokens per verdict when it was last sent to rest.
    private(set) var lastFailure: Double?

    init() {}

    /// What a stranger is worth whose address others have left in doubt.
    ///
    /// - Parameter doubt: verdicts that count as having refuted it; with ``shortTrial`` of them it begins at rest.
    init(doubt: Int) {
        refutations = min(doubt, Self.shortTrial)
        if doubt >= Self.shortTrial { distrust() }
    }

    /// The worker rests until it has proven itself, whatever it did before.
    mutating func distrust() {
        rested = 0
        pause = Self.firstProbe
        lastFailure = tokensPerVerdict
    }

    /// What its address is blamed with when the worker leaves: the verdicts that refuted it, if it was never right, and
    /// a whole trial if it was sent to rest.
    var doubt: Int {
        isResting ? Self.shortTrial : refutations ?? 0
    }

    /// Whether the worker has no credit but for probes.
    var isResting: Bool { rested != nil }

    /// Whether there were enough verdicts for a judgement.
    var isKnown: Bool { verdicts >= Self.trial }

    /// Accepted tokens per drafted node; nil before there is evidence.
    private var tokensPerNode: Double? {
        isKnown && nodesPerVerdict > 0 ? tokensPerVerdict / nodesPerVerdict : nil
    }

    /// A verdict was announced to the worker.
    ///
    /// - Parameters:
    ///   - agreed: how many of its tokens lay on the worker's tree, verified or not.
    ///   - nodes: of the worker's tree below the base.
    ///   - isHeard: whether the worker has sent anything since it was last given credit. Before that it may still be
    ///     reading the prompt, and its silence says nothing.
    mutating func record(agreed: Int, nodes: Int, isHeard: Bool) {
        if agreed > 0 { agreements += 1 }
        if let rested { return probe(rested, agreed: agreed, nodes: nodes) }
        guard isHeard else { return }
        verdicts += 1
        let weight = 1 / min(Double(verdicts), Self.memory)
        tokensPerVerdict += (Double(agreed) - tokensPerVerdict) * weight
        nodesPerVerdict += (Double(nodes) - nodesPerVerdict) * weight
        if agreed > 0 {
            refutations = nil
        } else if nodes > 0 {
            refutations? += 1
        }
        if isKnown && tokensPerVerdict < Self.floor || refutations == Self.shortTrial {
            rested = 0
            lastFailure = tokensPerVerdict
        }
    }

    /// A verdict came while the worker rested.
    private mutating func probe(_ rested: Int, agreed: Int, nodes: Int) {
        if agreed > 0 {
            // A fresh trial, on the strength of one success.
            self.rested = nil
            pause = Self.firstProbe
            verdicts = 0
            refutations = nil
            tokensPerVerdict = Double(agreed)
            nodesPerVerdict = Double(nodes)
        } else if rested + 1 == pause {
            self.rested = 0
            pause = min(2 * pause, Self.longestPause)
        } else {
            self.rested = rested + 1
        }
    }

    /// How many nodes the worker may have outstanding, at most `limit`.
    func credit(limit: Int) -> Int {
        if let rested { return rested >= pause - Self.probeLength ? min(limit, Self.probeCredit) : 0 }
        let known = Self.firstCredit << min(agreements, 8)
        guard let tokensPerNode else { return min(limit, known) }
        let earned = Self.headroom * tokensPerVerdict / max(tokensPerNode, Self.poorYield)
        return min(limit, max(Self.basicCredit, Int(min(earned, Double(limit)))))
    }
}
