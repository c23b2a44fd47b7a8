import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

/// Workers that cost a verifier rows, time or log lines without being of use. No token depends on them, so all that
/// they can take is time; these are the bounds.
@Suite("Workers that waste verification")
struct WastefulWorkerTests {
    private static let prompt: [Token] = [5, 6]
    private static let plain = MockText.plain(prompt: prompt, seed: 9, count: 600)

    /// Tokens that the target does not choose next.
    private static func wrong(after count: Int, nodes: Int = 8) -> [Token] {
        (0..<nodes).map { (plain[count] + 1 + Token($0)) % Token(MockText.vocabularySize) }
    }

    /// Drafts for a request with nothing but wrong tokens, at every verdict, whatever the credit.
    private static func mislead(_ workers: ScriptedWorkers, _ request: RequestID, _ id: LinkID, rounds: Int) throws {
        for _ in 0..<rounds {
            let count = workers.tokens[request]?.count ?? 0
            guard count < plain.count - 1 else { return }
            try workers.send(wrong(after: count), below: request, from: id)
            try workers.step()
        }
    }

    private static func isPlain(_ workers: ScriptedWorkers, _ request: RequestID) -> Bool {
        let tokens = workers.tokens[request] ?? []
        return !tokens.isEmpty && plain.starts(with: tokens)
    }

    @Test("one that is never right has its nodes verified for a trial, and no row after it, whatever it sends")
    func neverRight() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let request = workers.submit(Self.prompt, count: 600)
        try Self.mislead(workers, request, id, rounds: 20)
        let trial = try #require(workers.snapshot(of: id)).draftTokens
        #expect(workers.record(of: id)?.profile.performance.isResting == true)
        #expect(trial > 0 && trial <= WorkerYield.shortTrial * 8, "\(trial) rows")
        try Self.mislead(workers, request, id, rounds: 300)
        #expect(workers.snapshot(of: id)?.draftTokens == trial)
        #expect(Self.isPlain(workers, request) && (workers.tokens[request]?.count ?? 0) > 300)
    }

    @Test("a new incarnation from the same address is no way to be trusted again; another address is not blamed")
    func reconnecting() throws {
        let workers = try ScriptedWorkers()
        let request = workers.submit(Self.prompt, count: 600)
        var rows: [Int] = []
        for incarnation in 1...6 as ClosedRange<UInt64> {
            // It goes just before it would be sent to rest.
            let id = try workers.connect(incarnation: incarnation)
            try Self.mislead(workers, request, id, rounds: WorkerYield.shortTrial - 1)
            rows.append(workers.snapshot(of: id)?.draftTokens ?? 0)
            workers.disconnect(id)
        }
        #expect(rows[0] > 0 && rows[2...].allSatisfy { $0 == 0 }, "\(rows)")
        #expect(workers.machine.snapshot.doubtedAddresses == 1)
        let stranger = try workers.connect(from: "10.0.0.2", incarnation: 99)
        #expect(workers.record(of: stranger)?.profile.performance.isResting == false)
        let doubted = try workers.connect(incarnation: 100)
        #expect(workers.record(of: doubted)?.profile.performance.isResting == true)
    }

    @Test("one right token ends the doubt of an address, and doubt fades by itself")
    func redemption() throws {
        let workers = try ScriptedWorkers()
        let request = workers.submit(Self.prompt, count: 600)
        let bad = try workers.connect(incarnation: 1)
        try Self.mislead(workers, request, bad, rounds: 20)
        workers.disconnect(bad)
        let good = try workers.connect(incarnation: 2)
        #expect(workers.record(of: good)?.profile.performance.isResting == true)
        try workers.send([Self.plain[workers.tokens[request]?.count ?? 0]], below: request, from: good)
        try workers.step()
        #expect(workers.record(of: good)?.profile.performance.isResting == false)
        #expect(workers.machine.snapshot.doubtedAddresses == 0)

        var reputation = AddressReputation()
        reputation.blame("a", doubt: 12, now: .zero)
        let doubts = [599, 600].map { reputation.doubt(of: "a", now: .zero + .seconds($0)) }
        #expect(doubts == [12, 0])
    }

    @Test("the same tree again and again is not looked at, and ends the connection; requests go on")
    func flood() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let request = workers.submit(Self.prompt, count: 60)
        try workers.step()
        for _ in 0..<2000 { try workers.send([1, 2, 3], below: request, from: id) }
        let trees = workers.machine.snapshot.trees
        // 4 for each node of the largest credit, and 64; a tree of three nodes costs 4.
        #expect(trees.current <= 2 * (64 + 4 * 256) / 4, "\(trees)")
        #expect(trees.flooded == WorkerConduct.limit + 1)
        #expect(workers.faults[id] == .violation("the worker broke rules more than 16 times in a row"))
        #expect(workers.machine.snapshot.dismissedWorkers == 1)
        #expect(workers.refusals.count == WorkerConduct.limit + 1, "the log grows by no more")
        for _ in 0..<100 { try workers.step() }
        #expect(workers.tokens[request] == Array(Self.plain.prefix(60)))
    }

    @Test("trees for requests that are not there are bounded, too")
    func strays() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let tree = Message.Tree(
            request: 12_345,
            epoch: 1,
            baseLength: 1,
            baseHash: BaseHash(),
            firstNode: 0,
            nodes: [],
            isFinal: true
        )
        for _ in 0..<500 { try workers.send(.tree(tree), from: id) }
        #expect(workers.machine.snapshot.trees.stale == 64)
        #expect(workers.machine.snapshot.trees.flooded == WorkerConduct.limit + 1)
        #expect(workers.faults[id] != nil)
    }

    @Test("trees that were sent for a request while it was open are not held against a worker when it has been closed")
    func late() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let request = workers.submit(Self.prompt, count: 40)
        // A network that holds the worker's trees back until the request has ended.
        for _ in 0..<50 { try workers.step() }
        #expect(workers.tokens[request] == Array(Self.plain.prefix(40)))
        let tree = Message.Tree(
            request: request.rawValue,
            epoch: 1,
            baseLength: 2,
            baseHash: BaseHash(),
            firstNode: 0,
            nodes: [TokenTree.Node(parent: nil, token: 1, logProbability: -1)],
            isFinal: true
        )
        // Each base earned 4 for each node of the credit of 256, and 64; up to sixteen of them are saved.
        let sixteenBases = 16 * (64 + 4 * 256) / 2
        for _ in 0..<sixteenBases { try workers.send(.tree(tree), from: id) }
        #expect(workers.machine.snapshot.trees.flooded == 0 && workers.faults[id] == nil)
        for _ in 0..<100 { try workers.send(.tree(tree), from: id) }
        #expect(workers.faults[id] == .violation("the worker broke rules more than 16 times in a row"))
    }

    @Test("one that is dismissed comes back as it went: it rests, under its old incarnation and under a new one")
    func dismissed() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let request = workers.submit(Self.prompt, count: 600)
        try workers.step()
        try workers.send([Self.plain[workers.tokens[request]?.count ?? 0]], below: request, from: id)
        try workers.step()
        #expect(workers.record(of: id)?.profile.isProven == true)
        for _ in 0...WorkerConduct.limit { try workers.send([1], below: request, from: id, firstNode: 400) }
        // A delta that does not continue anything breaks the tree off; the next is a new tree's.
        for _ in 0...WorkerConduct.limit {
            try workers.send([1], below: request, from: id)
            try workers.send([1], below: request, from: id, firstNode: 400)
        }
        #expect(workers.faults[id] != nil)
        for incarnation in [7, 8] as [UInt64] {
            let again = try workers.connect(incarnation: incarnation)
            #expect(workers.record(of: again)?.profile.performance.isResting == true)
            workers.disconnect(again)
        }
    }

    @Test("a worker that leaves says so once; again and again ends the connection")
    func drains() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let drain = Message.drain(Message.Drain(graceMilliseconds: 1, reason: "bye"))
        for _ in 0..<WorkerConduct.limit { try workers.send(drain, from: id) }
        #expect(workers.faults[id] == nil)
        for _ in 0..<3 { try workers.send(drain, from: id) }
        #expect(workers.faults[id] == .violation("the worker broke rules more than 16 times in a row"))
    }

    @Test("a slip a second is forgiven for ever")
    func slips() {
        var conduct = WorkerConduct()
        var now = Instant.zero
        for _ in 0..<10_000 {
            let isDismissed = conduct.strike(now: now)
            #expect(!isDismissed)
            now = now + .seconds(1)
        }
        let strikes = (0...WorkerConduct.limit).map { _ in conduct.strike(now: now) }
        #expect(strikes.last == true && conduct.isDismissed)
    }
}

@Suite("The bounds on what a worker sends")
struct TreeAllowanceTests {
    private static func tree(_ nodes: Int) -> Message.Tree {
        Message.Tree(
            request: 1,
            epoch: 1,
            baseLength: 1,
            baseHash: BaseHash(),
            firstNode: 0,
            nodes: (0..<nodes).map { TokenTree.Node(parent: nil, token: Token($0), logProbability: -1) },
            isFinal: false
        )
    }

    @Test(
        "let an honest worker send each node in a message of its own, and again after each verdict",
        arguments: [1, 8, 64, 256, 512]
    )
    func honest(credit: Int) {
        var allowance = TreeAllowance(credit: credit)
        // What survives, in one message; then a whole tree, node by node; then that it is all.
        let trees = [Self.tree(credit)] + Array(repeating: Self.tree(1), count: credit) + [Self.tree(0)]
        var refused = 0
        for _ in 0..<100 {
            for tree in trees where !allowance.pay(for: tree) { refused += 1 }
            allowance.grant(credit: credit)
        }
        #expect(refused == 0)
    }

    @Test("also where sixteen verdicts and the trees for them arrive together")
    func bursts() {
        var allowance = TreeAllowance(credit: 64)
        let trees = Array(repeating: Self.tree(1), count: 64) + [Self.tree(64)]
        var refused = 0
        for _ in 0..<100 {
            for _ in 0..<16 { allowance.grant(credit: 64) }
            for _ in 0..<16 {
                for tree in trees where !allowance.pay(for: tree) { refused += 1 }
            }
        }
        #expect(refused == 0)
    }

    @Test("end where nothing new is there to draft for, and are no more than sixteen bases' worth")
    func bounded() {
        var allowance = TreeAllowance(credit: 64)
        for _ in 0..<1000 { allowance.grant(credit: 64) }
        #expect(allowance.left == 16 * (64 + 4 * 64))
        var paid = 0
        while allowance.pay(for: Self.tree(3)) { paid += 1 }
        #expect(paid == 16 * (64 + 4 * 64) / 4)
        let isPaid = allowance.pay(for: Self.tree(0))
        #expect(!isPaid && allowance.left == 0)
    }
}

@Suite("The reputation of an address")
struct AddressReputationTests {
    @Test(
        "is that of an IPv4 address, or of the first half of an IPv6 address",
        arguments: [
            ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("this process", "this process"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("::1", "0:0:0:0::/64"), ("", ""),
        ]
    )
    func addresses(host: String, address: String) {
        #expect(AddressReputation.address(of: host) == address)
    }

    @Test("adds up to a trial's worth, and is forgotten for the one that was blamed longest ago")
    func bounded() {
        var reputation = AddressReputation()
        func doubt(of host: String) -> Int { reputation.doubt(of: host, now: .zero) }
        reputation.blame("a", doubt: 5, now: .zero)
        reputation.blame("a", doubt: 0, now: .zero)
        #expect(doubt(of: "a") == 5)
        reputation.blame("a", doubt: 11, now: .zero)
        #expect(doubt(of: "a") == WorkerYield.shortTrial)
        for index in 0..<1000 { reputation.blame("host \(index)", doubt: 1, now: .zero) }
        #expect(reputation.count == 256)
        #expect(doubt(of: "a") == 0 && doubt(of: "host 999") == 1)
        reputation.praise("host 999")
        #expect(doubt(of: "host 999") == 0 && reputation.count == 255)
    }
}
