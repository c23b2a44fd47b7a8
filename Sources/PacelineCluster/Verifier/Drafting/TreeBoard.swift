import PacelineSpeculation
import PacelineWire

/// What is proposed for one sequence: the trees of all workers that draft for it.
///
/// Nothing in it is needed for the output, and nothing that a worker was told is in it: losing it costs speed only.
struct TreeBoard: Sendable {
    /// What became of a tree that came in.
    enum Receipt: Equatable {
        /// It is rooted at the present base, and this many nodes were added.
        case current(nodes: Int)
        /// It is rooted at an earlier base; what of it lies below the present one counts.
        case rerooted(nodes: Int)
        /// It comes too late: it is rooted at a base that is long past, or that never was.
        case stale
        /// More nodes than the worker's credit allows; the tree is ignored until the worker starts a new one.
        case overCredit
        /// More than the worker may send for one base, or for requests that are not open at it. It is not looked at.
        case flooded
        /// It does not continue what the worker sent before.
        case invalid(String)
    }

    /// What one worker proposes.
    private struct Entry {
        var stream: DraftStream
        /// The stream broke off and waits for its worker to start a new tree.
        private var isBroken = false

        init(limits: TreeLimits) {
            stream = DraftStream(limits: limits)
        }

        /// - Parameter gained: what the sequence has gained since the tree's root.
        mutating func receive(_ tree: Message.Tree, root: BaseMark, gained: [Token], ceiling: Int) -> Receipt {
            if tree.firstNode == 0 {
                // A worker that already roots its trees at a later base sent this one before.
                if let present = stream.root, root.epoch < present.epoch { return .stale }
                stream.restart(at: root, committed: gained)
                isBroken = false
            }
            guard !isBroken, stream.root == root else { return .stale }
            let count = stream.tree.count
            isBroken = true
            guard tree.firstNode == count || PlantedBug.gapsAccepted.isPlanted else {
                return .invalid("nodes from \(tree.firstNode) on came where node \(count) was due")
            }
            guard count + tree.nodes.count <= ceiling || PlantedBug.creditNotEnforced.isPlanted else {
                return .overCredit
            }
            do {
                try stream.append(tree.nodes, isFinal: tree.isFinal)
            } catch {
                return .invalid(error.description)
            }
            isBroken = false
            return gained.isEmpty ? .current(nodes: tree.nodes.count) : .rerooted(nodes: tree.nodes.count)
        }
    }

    /// What a merged tree was made of.
    private struct Source: Equatable {
        let worker: LinkID
        /// Of the worker's profile; nil where nothing of the worker is in the tree.
        let revision: Int?
    }

    private let limits: TreeLimits
    private var entries = SortedTable<LinkID, Entry>()
    /// The last merged tree, until something changes.
    private var latest: (sources: [Source], tree: MergedTree)?

    init(limits: TreeLimits) {
        self.limits = limits
    }

    /// Forgets what a worker has proposed.
    mutating func drop(_ worker: LinkID) {
        latest = nil
        entries[worker] = nil
    }

    /// Whether a worker will add nothing before the next verdict: it has said so, or has used up its credit.
    func isExhausted(_ worker: LinkID, credit: Int) -> Bool {
        if credit == 0 { return true }
        guard let stream = entries[worker]?.stream else { return false }
        return stream.isAtBase && (stream.isFinal || stream.tree.count >= credit)
    }

    /// The largest tree of any worker, from its own root on.
    var largestTree: (worker: LinkID, nodes: Int)? {
        zip(entries.keys, entries.values).map { (worker: $0, nodes: $1.stream.tree.count) }.max { $0.nodes < $1.nodes }
    }

    /// Follows the sequence as it grows.
    mutating func commit(_ tokens: [Token]) {
        latest = nil
        for worker in entries.keys {
            entries.update(worker) { $0.stream.commit(tokens) }
        }
    }

    /// Takes nodes that a worker streamed.
    ///
    /// - Parameters:
    ///   - ceiling: the most nodes that the worker may have outstanding.
    ///   - committed: returns what the sequence has gained since a mark; nil if it never had it.
    mutating func receive(
        _ tree: Message.Tree,
        from worker: LinkID,
        ceiling: Int,
        committed: (BaseMark) -> [Token]?
    ) -> Receipt {
        let root = BaseMark(epoch: tree.epoch, length: tree.baseLength, hash: tree.baseHash)
        guard let gained = committed(root) ?? (PlantedBug.stalenessNotChecked.isPlanted ? [] : nil) else {
            return .stale
        }
        if tree.firstNode == 0, !entries.contains(worker) {
            entries[worker] = Entry(limits: limits)
        }
        let receipt = entries.update(worker) { entry in
            entry.receive(tree, root: root, gained: gained, ceiling: ceiling)
        }
        if let receipt, receipt != .stale { latest = nil }
        return receipt ?? .stale
    }

    /// A worker's own tree below the current base.
    mutating func tree(of worker: LinkID) -> TokenTree {
        entries.update(worker) { $0.stream.belowBase() } ?? TokenTree(limits: limits)
    }

    /// Whether any path that a proven worker has drafted below the base may be more probable than `price`. Much quicker
    /// than ``merged(_:prediction:)``.
    ///
    /// - Parameters: as those of ``merged(_:prediction:)``.
    mutating func mayExceed(
        _ price: Double,
        _ drafters: [(worker: LinkID, profile: WorkerProfile?)],
        prediction: Prediction?
    ) -> Bool {
        for drafter in drafters {
            guard let profile = drafter.profile, profile.isProven else { continue }
            if profile.mayExceed(price, in: tree(of: drafter.worker)) { return true }
        }
        guard let prediction, prediction.profile.isProven else { return false }
        return prediction.profile.mayExceed(price, in: prediction.tree)
    }

    /// All trees below the current base, merged by (parent, token). Merges again only if something has changed.
    ///
    /// - Parameters:
    ///   - drafters: the sequence's workers in the order of assignment. A worker's profile gives the probabilities of
    ///     its nodes; nil leaves its tree out.
    ///   - prediction: counts as the last worker. It changes only when the sequence grows.
    mutating func merged(
        _ drafters: [(worker: LinkID, profile: WorkerProfile?)],
        prediction: Prediction? = nil
    ) -> MergedTree {
        let trees = drafters.map { tree(of: $0.worker) }
        let sources = zip(drafters, trees).map { drafter, tree in
            Source(worker: drafter.worker, revision: tree.isEmpty ? nil : drafter.profile?.revision)
        }
        if let latest, latest.sources == sources { return latest.tree }
        var parts = zip(drafters, trees).enumerated().compactMap { place, drafter -> MergedTree.Part? in
            guard let profile = drafter.0.profile, !drafter.1.isEmpty else { return nil }
            return MergedTree.Part(drafter.1, profile, place: place)
        }
        if let prediction, !prediction.tree.isEmpty {
            parts.append(MergedTree.Part(prediction.tree, prediction.profile, place: trees.count))
        }
        let workers = drafters.map(\.worker) + (prediction == nil ? [] : [LinkID.prediction])
        let merged = MergedTree(of: parts, limits: limits, workers: workers)
        latest = (sources, merged)
        return merged
    }
}
