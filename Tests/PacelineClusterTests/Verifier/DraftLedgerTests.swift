import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("The draft ledger")
struct DraftLedgerTests {
    private let request = RequestID(rawValue: 1)
    private let worker = LinkID(rawValue: 1)

    /// A ledger with one request open at one worker.
    private func ledger(credit: Int = 8, ceiling: Int? = nil) -> DraftLedger {
        var ledger = DraftLedger()
        ledger.join(worker)
        ledger.open(request, at: worker, drafter: "ngram", DraftTerms(credit: credit), ceiling: ceiling)
        return ledger
    }

    private func share(_ verified: Int, _ accepted: Int) -> SortedTable<LinkID, VerdictShare> {
        var shares = SortedTable<LinkID, VerdictShare>()
        shares[worker] = VerdictShare(verified: verified, accepted: accepted)
        return shares
    }

    // MARK: Who drafts for what

    @Test("lists the same pairs by request and by worker, in the order of opening")
    func views() {
        var ledger = DraftLedger()
        let (one, two) = (RequestID(rawValue: 1), RequestID(rawValue: 2))
        let (a, b) = (LinkID(rawValue: 1), LinkID(rawValue: 2))
        #expect(!ledger.isDrafting)
        for (request, worker) in [(two, b), (one, b), (one, a)] {
            ledger.open(request, at: worker, drafter: "ngram", DraftTerms(credit: 8))
        }
        #expect(ledger.workers(of: one) == [b, a] && ledger.workers(of: two) == [b])
        #expect(ledger.requests(of: b) == [two, one] && ledger.requests(of: a) == [one])
        ledger.close(two, at: b)
        ledger.open(two, at: b, drafter: "ngram", DraftTerms(credit: 8))
        #expect(ledger.requests(of: b) == [one, two], "what is opened again comes last")
        ledger.leave(b)
        #expect(ledger.workers(of: one) == [a] && ledger.requests(of: b).isEmpty)
        ledger.end(one)
        #expect(ledger.requests(of: a).isEmpty && !ledger.isDrafting)
    }

    @Test("never contradicts itself, whatever comes and goes", arguments: 0..<8 as Range<UInt64>)
    func consistent(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var ledger = DraftLedger()
        let workers = (1...5).map { LinkID(rawValue: $0) }
        let requests = (1...4).map { RequestID(rawValue: $0) }
        for _ in 0..<500 {
            let worker = workers[Int(5 * random.nextUnit())]
            let request = requests[Int(4 * random.nextUnit())]
            switch 8 * random.nextUnit() {
            case ..<4: ledger.open(request, at: worker, drafter: "ngram", DraftTerms(credit: 1))
            case ..<6: ledger.close(request, at: worker)
            case ..<6.6: ledger.refuse(request, at: worker)
            case ..<7: ledger.end(request)
            case ..<7.5: ledger.leave(worker)
            default: ledger.join(worker)
            }
            for worker in workers {
                for request in requests {
                    let isOpen = ledger.isOpen(request, at: worker)
                    #expect(isOpen == ledger.workers(of: request).contains(worker))
                    #expect(isOpen == ledger.requests(of: worker).contains(request))
                    #expect(isOpen == (ledger.credit(of: worker, for: request) == 1))
                }
            }
        }
    }

    @Test("opens a request once, and to no more workers than a node can tell apart")
    func limit() {
        var ledger = ledger(credit: 8)
        ledger.open(request, at: worker, drafter: "ngram", DraftTerms(credit: 3))
        #expect(ledger.credit(of: worker, for: request) == 8)
        for id in 2...100 as ClosedRange<UInt64> {
            ledger.open(request, at: LinkID(rawValue: id), drafter: "ngram", DraftTerms(credit: 3))
        }
        #expect(ledger.workers(of: request).count == UInt64.bitWidth - 1, "one bit is the prediction's")
    }

    @Test("remembers who gave a request up until the request ends")
    func refused() {
        var ledger = ledger()
        ledger.refuse(request, at: worker)
        #expect(ledger.refused(by: worker) == [request] && ledger.workers(of: request).isEmpty)
        #expect(ledger.isBalanceOutdated)
        ledger.balance()
        #expect(!ledger.isBalanceOutdated)
        ledger.end(request)
        #expect(ledger.refused(by: worker).isEmpty)
    }

    // MARK: What a worker was told

    @Test("tells a worker without credit all verdicts once it has some again, or once they are many")
    func withheld() {
        var ledger = ledger(credit: 8)
        func told(_ credit: Int) -> Int {
            ledger.announce(DraftTerms(credit: credit), to: worker, of: request).verdicts
        }
        #expect(told(8) == 1)
        #expect(told(0) == 1, "it must know that it may not draft")
        for _ in 0..<5 { #expect(told(0) == 0) }
        #expect(told(4) == 6)
        #expect(told(4) == 1)
        let many = (0..<1_000).map { _ in told(0) }
        #expect(many.max() == BaseHistory.limit)
        #expect(many.reduce(0, +) + told(1) == 1_001)
    }

    @Test("later tells a worker the verdicts that came before it had the whole base")
    func opening() {
        var ledger = ledger()
        ledger.withhold(from: worker, of: request)
        ledger.withhold(from: worker, of: request)
        #expect(ledger.withheld(from: worker, of: request) == 2)
        #expect(ledger.announce(DraftTerms(credit: 8), to: worker, of: request).verdicts == 3)
        #expect(ledger.withheld(from: worker, of: request) == 0)
    }

    @Test("tells shards and limits when they change, and only then")
    func changes() {
        var ledger = ledger()
        let half = OutcomeShard(index: 0, count: 2)
        let small = DraftLimits(nodes: 9, depth: 9, width: 9)
        func told(_ terms: DraftTerms) -> DraftLedger.DueTerms {
            ledger.announce(terms, to: worker, of: request)
        }
        #expect(told(DraftTerms(credit: 8)) == .init(verdicts: 1))
        #expect(told(DraftTerms(credit: 8, shard: half)) == .init(verdicts: 1, shard: half))
        #expect(told(DraftTerms(credit: 8, limits: small, shard: half)) == .init(verdicts: 1, limits: small))
        #expect(told(DraftTerms(credit: 8, limits: small, shard: half)) == .init(verdicts: 1))
        #expect(told(DraftTerms(credit: 8, limits: small)).shard == .whole)
        // What a worker without credit is not told is told later.
        _ = told(DraftTerms(credit: 0, limits: small))
        #expect(told(DraftTerms(credit: 0, limits: small, shard: half)) == .init())
        #expect(told(DraftTerms(credit: 8, limits: small, shard: half)) == .init(verdicts: 2, shard: half))
    }

    @Test("neither tells nor hears a worker at which the request is not open")
    func stranger() {
        var ledger = ledger()
        let stranger = LinkID(rawValue: 9)
        #expect(ledger.announce(DraftTerms(credit: 8), to: stranger, of: request) == .init())
        #expect(ledger.hear(from: stranger, of: request) == nil)
        #expect(ledger.hear(from: worker, of: RequestID(rawValue: 9)) == nil)
        #expect(ledger.credit(of: stranger, for: request) == 0)
    }

    @Test("allows what was drafted under an earlier, larger credit, even if the request was reopened since")
    func ceiling() {
        var ledger = ledger(credit: 3)
        _ = ledger.announce(DraftTerms(credit: 1), to: worker, of: request)
        #expect(ledger.hear(from: worker, of: request) == 3)
        _ = ledger.announce(DraftTerms(credit: 5), to: worker, of: request)
        #expect(ledger.hear(from: worker, of: request) == 5)
        ledger.close(request, at: worker)
        ledger.open(request, at: worker, drafter: "ngram", DraftTerms(credit: 0), ceiling: 5)
        #expect(ledger.hear(from: worker, of: request) == 5)
    }

    @Test("counts a worker as silent from when it is given credit")
    func heard() {
        var ledger = ledger(credit: 0)
        _ = ledger.hear(from: worker, of: request)
        #expect(ledger.isHeard(worker, of: request))
        _ = ledger.announce(DraftTerms(credit: 8), to: worker, of: request)
        #expect(!ledger.isHeard(worker, of: request))
        _ = ledger.hear(from: worker, of: request)
        _ = ledger.announce(DraftTerms(credit: 8), to: worker, of: request)
        #expect(ledger.isHeard(worker, of: request))
    }

    // MARK: What came of it

    @Test("counts tokens for the request and for the worker, who keeps them when the request ends")
    func counts() {
        var ledger = ledger()
        ledger.record(share(5, 2), of: request)
        ledger.close(request, at: worker)
        ledger.record(share(1, 1), of: request)
        #expect(
            ledger.contributions(to: request) == [
                RequestContribution(worker: worker, drafter: "ngram", draftTokens: 6, acceptedTokens: 3)
            ]
        )
        ledger.recordStaleTree(from: worker)
        let tally = DraftLedger.Tally(draftTokens: 6, acceptedTokens: 3, staleTrees: 1)
        #expect(ledger.tally(of: worker) == tally)
        ledger.end(request)
        #expect(ledger.contributions(to: request).isEmpty)
        #expect(ledger.tally(of: worker) == tally)
    }

    @Test("keeps only what a worker did for running requests after it has left")
    func departed() {
        var ledger = ledger()
        ledger.record(share(5, 2), of: request)
        ledger.leave(worker)
        ledger.record(share(1, 0), of: request)
        #expect(ledger.contributions(to: request).map(\.draftTokens) == [6])
        ledger.end(request)
        #expect(ledger.tally(of: worker) == DraftLedger.Tally())
    }

    @Test("lists a bounded number of workers per request, but counts for all")
    func bounded() {
        var ledger = DraftLedger()
        for id in 1...1_000 as ClosedRange<UInt64> {
            let worker = LinkID(rawValue: id)
            ledger.join(worker)
            ledger.open(request, at: worker, drafter: "ngram", DraftTerms(credit: 3))
            var shares = SortedTable<LinkID, VerdictShare>()
            shares[worker] = VerdictShare(verified: 2, accepted: 1)
            ledger.record(shares, of: request)
            #expect(ledger.tally(of: worker) == DraftLedger.Tally(draftTokens: 2, acceptedTokens: 1))
            ledger.close(request, at: worker)
            if id < 1_000 { ledger.leave(worker) }
        }
        #expect(ledger.contributions(to: request).map(\.worker.rawValue) == Array(1...256))
        ledger.end(request)
        #expect(ledger.tally(of: LinkID(rawValue: 1_000)).draftTokens == 2)
    }
}
