/// What one worker's drafting is worth, and how much credit it earns: the committed tokens that lay on its tree, for
/// each verdict and for each node, on moving averages.
///
/// A worker that has shown nothing for a while rests: it gets no credit, so that it takes no processor time from a
/// verifier on the same machine, but for a short probe now and then by which it can prove itself again.
struct Usefulness: Sendable {
    private static let memory = 32.0
    /// Verdicts before a judgement is made.
    static let trial = 32
    /// Verdicts in a row, from its first, that found a tree of the worker without a single right token: then no more are needed.
    private static let shortTrial = 12
    /// Below so many tokens per verdict a worker rests.
    private static let floor = 0.02
    /// Verdicts from the beginning of one probe to that of the next, and how many of them the probe lasts.
    private static let probeInterval = 64
    private static let probeLength = 6
    private static let probeCredit = 8
    /// Nodes that any worker may have outstanding: at a long round trip even a good one rarely has its tree in time.
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
    /// Verdicts since the worker began to rest.
    private var rested: Int?
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
        if let rested {
            self.rested = agreed > 0 ? nil : rested + 1
            if agreed > 0 {
                // A fresh trial, on the strength of one success.
                verdicts = 0
                refutations = nil
                tokensPerVerdict = Double(agreed)
                nodesPerVerdict = Double(nodes)
            }
            return
        }
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

    /// How many nodes the worker may have outstanding, at most `limit`.
    func credit(limit: Int) -> Int {
        if let rested {
            return rested % Self.probeInterval >= Self.probeInterval - Self.probeLength
                ? min(limit, Self.probeCredit) : 0
        }
        guard let yield else { return limit }
        let earned = Self.headroom * tokensPerVerdict / max(yield, Self.poorYield)
        return min(limit, max(Self.basicCredit, Int(min(earned, Double(limit)))))
    }
}
