/// What one worker's drafting is worth, and how much credit it earns: the committed tokens that lay on its tree, for
/// each verdict and for each node, on moving averages.
///
/// A stranger starts with little, and each verdict that finds it right doubles its credit: what it drafts before may be
/// in vain, and costs processor time, which may be the verifier's own. A worker that has shown nothing for a while
/// rests: it gets no credit but for a short probe now and then by which it can prove itself again, ever more rarely.
struct WorkerYield: Sendable {
    private static let memory = 32.0
    /// Verdicts before a judgement is made.
    static let trial = 32
    /// Verdicts in a row, from its first, that found a tree of the worker without a single right token: then no more
    /// are needed.
    private static let shortTrial = 12
    /// Below so many tokens per verdict a worker rests.
    private static let floor = 0.02
    /// Verdicts until the end of the first probe, until that of the next at most, and how many of them a probe lasts.
    private static let firstProbe = 64
    private static let longestPause = 256
    private static let probeLength = 6
    private static let probeCredit = 8
    /// Nodes that a worker may have outstanding which nothing is known of.
    private static let firstCredit = 32
    /// Nodes that any other may have outstanding: at a long round trip even a good one rarely has its tree in time.
    private static let basicCredit = 128
    /// Beyond that credit is so many times the nodes that the worker has had at a verdict …
    private static let headroom = 4.0
    /// … or, if fewer of its nodes than this were accepted, what its accepted tokens would need at this yield.
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
    /// What it achieved when it was last sent to rest.
    private(set) var lastFailure: Double?

    init() {}

    /// Whether the worker has no credit but for probes.
    var isResting: Bool { rested != nil }

    /// Whether there were enough verdicts for a judgement.
    var isKnown: Bool { verdicts >= Self.trial }

    /// Accepted tokens per drafted node; nil before there is evidence.
    var yield: Double? {
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
        guard let yield else { return min(limit, known) }
        let earned = Self.headroom * tokensPerVerdict / max(yield, Self.poorYield)
        return min(limit, max(Self.basicCredit, Int(min(earned, Double(limit)))))
    }
}
