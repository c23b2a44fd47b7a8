import PacelineSpeculation
import PacelineWire

/// What is proposed for one sequence: the trees of all workers that draft for it.
///
/// Nothing in it is needed for the output; losing it costs speed only.
struct TreeBoard: Sendable {
    /// Workers that one sequence may have; a node's proposers are the bits of one word.
    static let workerLimit = 64
    /// What became of a tree that came in.
    enum Receipt: Equatable {
        /// It is rooted at the present base, and so many nodes were added.
        case current(nodes: Int)
        /// It is rooted at an earlier base; what of it lies below the present one counts.
        case rerooted(nodes: Int)
        /// It is of no use any more: rooted at a base that is not ours or is long past.
        case stale
        /// More nodes than the worker's credit allows; the tree is ignored until the worker starts a new one.
        case overCredit
        /// It does not continue what the worker sent before.
        case invalid(String)
    }

    private struct Entry {
        var worker: LinkID
        var stream: DraftStream
        /// How many nodes the worker may have outstanding.
        var credit: Int
        /// The most that may ever have been granted: what is on its way was drafted under an earlier credit, or before
        /// the sequence was closed and opened again at the worker.
        var ceiling: Int
        /// What the worker was last told of the outcomes it drafts for.
        var shard: OutcomeShard
        /// What the worker was last told of the size of its trees.
        var limits: DraftLimits
        /// The worker has sent something since it was last given credit.
        var isHeard = false
        /// The stream broke off and waits for its worker to start a new tree.
        var isBroken = false
        /// Verdicts that the worker has not been told: it has no credit to make use of them, or not the whole base yet.
        var withheld = 0
    }

    /// In the order of assignment; a worker's place is its bit in ``MergedTree/proposers``.
    private var entries: [Entry] = []
    private let limits: TreeLimits

    init(limits: TreeLimits) {
        self.limits = limits
    }

    var workers: [LinkID] {
        entries.map(\.worker)
    }

    func contains(_ worker: LinkID) -> Bool {
        entries.contains { $0.worker == worker }
    }

    /// A worker drafts for the sequence from now on.
    ///
    /// - Parameter ceiling: the most credit that it is ever given; its credit if nil.
    mutating func add(
        _ worker: LinkID,
        credit: Int,
        ceiling: Int? = nil,
        limits draftLimits: DraftLimits = DraftLimits(nodes: 0, depth: 0, width: 0),
        shard: OutcomeShard = .whole
    ) {
        guard !contains(worker), entries.count < Self.workerLimit else { return }
        let stream = DraftStream(limits: limits)
        entries.append(
            Entry(
                worker: worker,
                stream: stream,
                credit: credit,
                ceiling: max(ceiling ?? credit, credit),
                shard: shard,
                limits: draftLimits
            )
        )
    }

    mutating func remove(_ worker: LinkID) {
        entries.removeAll { $0.worker == worker }
    }

    /// Gives a worker the credit that goes with a verdict.
    ///
    /// A worker without credit is left in peace: each verdict would wake it, on what may be the verifier's own
    /// processors, for nothing. It is told all of them when it has credit again, or when they have become many.
    ///
    /// - Returns: how many of the last verdicts it is to be told now.
    mutating func grant(_ credit: Int, to worker: LinkID) -> Int {
        guard let index = entries.firstIndex(where: { $0.worker == worker }) else { return 0 }
        let isIdle = entries[index].credit == 0 && credit == 0
        if entries[index].credit == 0 { entries[index].isHeard = false }
        entries[index].credit = credit
        entries[index].ceiling = max(entries[index].ceiling, credit)
        entries[index].withheld += 1
        guard !isIdle || entries[index].withheld == BaseHistory.limit else { return 0 }
        defer { entries[index].withheld = 0 }
        return entries[index].withheld
    }

    /// A verdict that the worker cannot be told yet.
    mutating func withhold(from worker: LinkID) {
        guard let index = entries.firstIndex(where: { $0.worker == worker }) else { return }
        entries[index].withheld += 1
    }

    /// Verdicts that a worker has not been told.
    func withheld(from worker: LinkID) -> Int {
        entries.first { $0.worker == worker }?.withheld ?? 0
    }

    /// Notes a worker's shard; returns it if the worker was told another one before.
    mutating func deal(_ shard: OutcomeShard, to worker: LinkID) -> OutcomeShard? {
        guard let index = entries.firstIndex(where: { $0.worker == worker }) else { return nil }
        guard entries[index].shard != shard else { return nil }
        entries[index].shard = shard
        return shard
    }

    /// Notes how large a worker's trees should be; returns it if the worker was told otherwise before.
    mutating func bound(_ limits: DraftLimits, to worker: LinkID) -> DraftLimits? {
        guard let index = entries.firstIndex(where: { $0.worker == worker }) else { return nil }
        guard entries[index].limits != limits else { return nil }
        entries[index].limits = limits
        return limits
    }

    /// Whether some worker has a tree at the present base that it still grows.
    var isGrowing: Bool {
        entries.contains { $0.stream.isAtBase && !$0.stream.isFinal }
    }

    /// Whether every worker will add nothing before the next verdict: it has said so, or has used up its credit.
    var isExhausted: Bool {
        entries.allSatisfy { entry in
            if entry.credit == 0 { return true }
            return entry.stream.isAtBase && (entry.stream.isFinal || entry.stream.tree.count >= entry.credit)
        }
    }

    /// Follows the sequence as it grows.
    mutating func commit(_ tokens: [Token]) {
        for index in entries.indices {
            entries[index].stream.commit(tokens)
        }
    }

    /// Takes what a worker streamed.
    ///
    /// - Parameter committed: what the sequence has gained since the mark that it is given, nil if it never had it.
    mutating func receive(
        _ tree: Message.Tree,
        from worker: LinkID,
        committed: (BaseMark) -> [Token]?
    ) -> Receipt {
        guard let index = entries.firstIndex(where: { $0.worker == worker }) else { return .stale }
        entries[index].isHeard = true
        let root = BaseMark(epoch: tree.epoch, length: tree.baseLength, hash: tree.baseHash)
        guard let gained = committed(root) else { return .stale }
        if tree.firstNode == 0 {
            guard !isSuperseded(root, at: index) else { return .stale }
            entries[index].stream.restart(at: root, committed: gained)
            entries[index].isBroken = false
        }
        return extend(index, with: tree, root: root, isCurrent: gained.isEmpty)
    }

    private mutating func extend(
        _ index: Int,
        with tree: Message.Tree,
        root: BaseMark,
        isCurrent: Bool
    ) -> Receipt {
        guard !entries[index].isBroken, entries[index].stream.root == root else { return .stale }
        let count = entries[index].stream.tree.count
        guard tree.firstNode == count else {
            entries[index].isBroken = true
            return .invalid("nodes from \(tree.firstNode) on came where node \(count) was due")
        }
        guard count + tree.nodes.count <= entries[index].ceiling else {
            entries[index].isBroken = true
            return .overCredit
        }
        do {
            try entries[index].stream.append(tree.nodes, isFinal: tree.isFinal)
        } catch {
            entries[index].isBroken = true
            return .invalid(error.description)
        }
        return isCurrent ? .current(nodes: tree.nodes.count) : .rerooted(nodes: tree.nodes.count)
    }

    /// Whether the worker already roots its trees at a later base: then this one is a duplicate from before.
    private func isSuperseded(_ root: BaseMark, at index: Int) -> Bool {
        guard let present = entries[index].stream.root else { return false }
        return root.epoch < present.epoch
    }

    /// Trees below the present base in one, merged by (parent, token).
    ///
    /// - Parameter probabilities: makes probabilities of the nodes of a worker's tree; nil to leave it out.
    func merged(probabilities: (LinkID, TokenTree) -> [Double]?) -> MergedTree {
        var merged = MergedTree(limits: limits, workers: workers)
        for (place, entry) in entries.enumerated() {
            let tree = entry.stream.belowBase()
            guard let probabilities = probabilities(entry.worker, tree) else { continue }
            merged.add(tree, bit: 1 << UInt64(place), probabilities: probabilities)
        }
        merged.reconcile()
        return merged
    }

    /// Each worker's own tree below the present base, and whether the worker has been heard since it had credit.
    func trees() -> [(worker: LinkID, tree: TokenTree, isHeard: Bool)] {
        entries.map { ($0.worker, $0.stream.belowBase(), $0.isHeard) }
    }
}
