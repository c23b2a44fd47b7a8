import PacelineSpeculation
import PacelineWire

/// What a worker is asked to draft for one request.
struct DraftTerms: Sendable, Equatable {
    /// How many nodes it may have outstanding.
    var credit: Int
    /// How large its trees should be.
    var limits = DraftLimits(nodes: 0, depth: 0, width: 0)
    /// Which outcomes it drafts for.
    var shard = OutcomeShard.whole
    /// Why the credit is 0, if it is.
    var rest = DraftRestReason.unspecified
}

/// Who drafts for what: the workers of each request, what each was told, and how many of its tokens were verified.
///
/// The one place that knows. A worker's requests, a request's workers and all totals are read off it.
struct DraftLedger: Sendable {
    /// What a worker is to be told after a verdict.
    struct DueTerms: Equatable, Sendable {
        /// The number of last verdicts that it has not been told, this one included; 0 to tell it nothing.
        var verdicts = 0
        /// Nil where they are as the worker knows them.
        var limits: DraftLimits?
        var shard: OutcomeShard?
    }

    /// What a worker did for some or all of its requests.
    struct Tally: Equatable, Sendable {
        var draftTokens = 0
        var acceptedTokens = 0
        /// Trees that came too late to be used.
        var staleTrees = 0
    }

    /// A request that is open at a worker.
    private struct Entry {
        let worker: LinkID
        /// Counts all entries ever made, so that they can be put in order.
        let number: Int
        /// What the worker was last told.
        var terms: DraftTerms
        /// The most credit that may ever have been granted. What is on its way was drafted under an earlier credit, or
        /// before the request was closed and opened again at the worker.
        var ceiling: Int
        /// What the worker may still send.
        var allowance: TreeAllowance
        /// Whether the worker has sent something since it was last given credit.
        var isHeard = false
        /// Verdicts that the worker has not been told: it has no credit to make use of them, or not the whole base yet.
        var withheld = 0
        /// The position behind the last features that the worker was told.
        var toldFeatures = 0
    }

    /// All entries of one request.
    private struct Page {
        /// In the order of opening.
        var entries: [Entry] = []
        /// Workers that gave the request up; it is not offered to them again.
        var refused: Set<LinkID> = []
        /// What each worker that ever drafted for it did; ``contributionLimit`` workers at most.
        var contributions = SortedTable<LinkID, RequestContribution>()

        /// Counts a worker's part in a verdict; false if the worker is not listed.
        mutating func record(_ share: VerdictShare, of worker: LinkID) -> Bool {
            let listed: Void? = contributions.update(worker) { contribution in
                contribution.draftTokens += share.verified
                contribution.acceptedTokens += share.accepted
            }
            return listed != nil
        }
    }

    /// Workers that a request's summary lists; later ones are left out.
    private static let contributionLimit = 256

    private var pages = SortedTable<RequestID, Page>()
    /// What each connected worker did for requests that have ended, or that do not list it.
    private var settled = SortedTable<LinkID, Tally>()
    private var lastNumber = 0
    /// Whether something has changed since work was last shared out.
    private(set) var isBalanceOutdated = false

    // MARK: Opening and closing

    /// A worker drafts for a request from now on.
    ///
    /// - Parameter ceiling: the most credit that it is ever given; its credit if nil.
    mutating func open(
        _ request: RequestID,
        at worker: LinkID,
        drafter: String,
        _ terms: DraftTerms,
        ceiling: Int? = nil
    ) {
        var page = pages[request] ?? Page()
        let isKnown = page.entries.contains { $0.worker == worker }
        guard !isKnown, page.entries.count < MergedTree.workerLimit else { return }
        lastNumber += 1
        let ceiling = max(ceiling ?? terms.credit, terms.credit)
        let allowance = TreeAllowance(credit: ceiling)
        page.entries.append(
            Entry(worker: worker, number: lastNumber, terms: terms, ceiling: ceiling, allowance: allowance)
        )
        if page.contributions.count < Self.contributionLimit, !page.contributions.contains(worker) {
            page.contributions[worker] = RequestContribution(worker: worker, drafter: drafter)
        }
        pages[request] = page
    }

    /// A worker stops drafting for a request, and may be given it again.
    ///
    /// - Returns: what the worker might still have sent for it; nil if the request was not open at it.
    @discardableResult
    mutating func close(_ request: RequestID, at worker: LinkID) -> TreeAllowance? {
        let allowance = entry(request, worker)?.allowance
        pages.update(request) { page in page.entries.removeAll { $0.worker == worker } }
        return allowance
    }

    /// A worker stops drafting for a request permanently.
    mutating func refuse(_ request: RequestID, at worker: LinkID) {
        close(request, at: worker)
        pages.update(request) { $0.refused.insert(worker) }
        isBalanceOutdated = true
    }

    /// A request has ended.
    mutating func end(_ request: RequestID) {
        for contribution in pages[request]?.contributions.values ?? [] {
            settled.update(contribution.worker) { tally in
                tally.draftTokens += contribution.draftTokens
                tally.acceptedTokens += contribution.acceptedTokens
            }
        }
        pages[request] = nil
    }

    /// A worker has come.
    mutating func join(_ worker: LinkID) {
        settled[worker] = Tally()
    }

    /// A worker has left. What it did for requests that run stays on record.
    mutating func leave(_ worker: LinkID) {
        for request in pages.keys {
            close(request, at: worker)
            pages.update(request) { $0.refused.remove(worker) }
        }
        settled[worker] = nil
    }

    /// A worker has come to rest, or to drafting again.
    mutating func unbalance() {
        isBalanceOutdated = true
    }

    /// Work has been shared out.
    mutating func balance() {
        isBalanceOutdated = false
    }

    // MARK: Who drafts for what

    /// Whether any worker drafts.
    var isDrafting: Bool {
        pages.values.contains { !$0.entries.isEmpty }
    }

    /// The workers of a request, in the order of opening.
    func workers(of request: RequestID) -> [LinkID] {
        pages.read(request) { $0.entries.map(\.worker) } ?? []
    }

    /// The requests of a worker, in the order of opening.
    func requests(of worker: LinkID) -> [RequestID] {
        zip(pages.keys, pages.values).compactMap { request, page in
            page.entries.first { $0.worker == worker }.map { (request, $0.number) }
        }.sorted { $0.1 < $1.1 }.map(\.0)
    }

    /// The requests that a worker gave up.
    func refused(by worker: LinkID) -> Set<RequestID> {
        Set(zip(pages.keys, pages.values).filter { $0.1.refused.contains(worker) }.map(\.0))
    }

    func isOpen(_ request: RequestID, at worker: LinkID) -> Bool {
        entry(request, worker) != nil
    }

    // MARK: What a worker was told

    /// Takes note that a worker sent something.
    ///
    /// - Returns: how many nodes it may have outstanding at most; nil if the request is not open at it.
    mutating func hear(from worker: LinkID, of request: RequestID) -> Int? {
        update(request, worker) { entry in
            entry.isHeard = true
            return entry.ceiling
        }
    }

    /// Has a worker pay for a tree.
    ///
    /// - Returns: false if it has sent too much for the request; nil if the request is not open at it.
    mutating func pay(for tree: Message.Tree, from worker: LinkID) -> Bool? {
        update(RequestID(rawValue: tree.request), worker) { $0.allowance.pay(for: tree) }
    }

    /// Whether a worker has sent something since it was last given credit.
    func isHeard(_ worker: LinkID, of request: RequestID) -> Bool {
        entry(request, worker)?.isHeard ?? false
    }

    /// How many nodes a worker may have outstanding; 0 if the request is not open at it.
    func credit(of worker: LinkID, for request: RequestID) -> Int {
        entry(request, worker)?.terms.credit ?? 0
    }

    /// Gives a worker the terms that go with a verdict.
    ///
    /// A worker without credit is not told: each verdict would wake it for nothing, perhaps on the verifier's own
    /// processors. It is told all of them when it has credit again, or when they have become many.
    mutating func announce(_ terms: DraftTerms, to worker: LinkID, of request: RequestID) -> DueTerms {
        update(request, worker) { entry in
            let isIdle = entry.terms.credit == 0 && terms.credit == 0
            if entry.terms.credit == 0 { entry.isHeard = false }
            entry.terms.credit = terms.credit
            entry.ceiling = max(entry.ceiling, terms.credit)
            entry.allowance.grant(credit: entry.ceiling)
            entry.withheld += 1
            guard !isIdle || entry.withheld == BaseHistory.limit else { return DueTerms() }
            let due = DueTerms(
                verdicts: entry.withheld,
                limits: entry.terms.limits == terms.limits ? nil : terms.limits,
                shard: entry.terms.shard == terms.shard ? nil : terms.shard
            )
            entry.terms = terms
            entry.withheld = 0
            return due
        } ?? DueTerms()
    }

    /// A verdict that a worker cannot be told yet.
    mutating func withhold(from worker: LinkID, of request: RequestID) {
        update(request, worker) { entry in
            entry.allowance.grant(credit: entry.ceiling)
            entry.withheld += 1
        }
    }

    /// Verdicts that a worker has not been told.
    func withheld(from worker: LinkID, of request: RequestID) -> Int {
        entry(request, worker)?.withheld ?? 0
    }

    /// The position behind the last features that a worker was told; nil if the request is not open at it.
    func toldFeatures(of request: RequestID, to worker: LinkID) -> Int? {
        entry(request, worker)?.toldFeatures
    }

    /// A worker has been told features up to a position.
    mutating func tellFeatures(of request: RequestID, to worker: LinkID, upTo end: Int) {
        update(request, worker) { $0.toldFeatures = end }
    }

    // MARK: What came of it

    /// Counts the parts of a request's workers in a verdict.
    mutating func record(_ shares: SortedTable<LinkID, VerdictShare>, of request: RequestID) {
        for (worker, share) in zip(shares.keys, shares.values) {
            let isListed = pages.update(request) { $0.record(share, of: worker) } ?? false
            guard !isListed else { continue }
            settled.update(worker) { tally in
                tally.draftTokens += share.verified
                tally.acceptedTokens += share.accepted
            }
        }
    }

    /// Counts a tree that came too late.
    mutating func recordStaleTree(from worker: LinkID) {
        settled.update(worker) { $0.staleTrees += 1 }
    }

    /// What the workers did for a request, in the order they connected.
    func contributions(to request: RequestID) -> [RequestContribution] {
        pages[request]?.contributions.values ?? []
    }

    /// What a connected worker did for all its requests.
    func tally(of worker: LinkID) -> Tally {
        pages.values.reduce(into: settled[worker] ?? Tally()) { tally, page in
            guard let contribution = page.contributions[worker] else { return }
            tally.draftTokens += contribution.draftTokens
            tally.acceptedTokens += contribution.acceptedTokens
        }
    }

    private func entry(_ request: RequestID, _ worker: LinkID) -> Entry? {
        pages.read(request) { page in page.entries.first { $0.worker == worker } }
    }

    @discardableResult
    private mutating func update<Output>(
        _ request: RequestID,
        _ worker: LinkID,
        _ body: (inout Entry) -> Output
    ) -> Output? {
        pages.update(request) { page in
            page.entries.firstIndex { $0.worker == worker }.map { body(&page.entries[$0]) }
        }
    }
}
