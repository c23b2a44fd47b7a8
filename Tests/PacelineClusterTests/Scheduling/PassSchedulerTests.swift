import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The pass scheduler")
struct PassSchedulerTests {
    private static let request = RequestID(rawValue: 1)

    /// A scheduler and the time, in milliseconds.
    private struct Bench {
        var scheduler: PassScheduler
        private(set) var time = 0.0

        /// - Parameters:
        ///   - pass: milliseconds of a pass over one row.
        ///   - row: milliseconds of each further row.
        init(pass: Double, row: Double = 0.1, _ adjust: (inout VerifierConfiguration) -> Void = { _ in }) throws {
            var configuration = VerifierConfiguration()
            adjust(&configuration)
            scheduler = PassScheduler(
                configuration: configuration,
                costs: try CostCurve([
                    CostCurve.Point(rows: 1, milliseconds: pass),
                    CostCurve.Point(rows: 101, milliseconds: pass + 100 * row),
                ])
            )
        }

        var now: Instant { .zero + .fromMilliseconds(time) }

        mutating func pause(_ milliseconds: Double) {
            time += milliseconds
        }

        mutating func next(_ demands: [PassScheduler.Demand]) -> PassPlan? {
            scheduler.next(demands, now: now)
        }

        /// The pass that must start now.
        mutating func start(_ demands: [PassScheduler.Demand]) throws -> PassPlan {
            let plan = next(demands)
            return try #require(plan)
        }

        /// The pass that starts if nothing arrives, however long the scheduler waits.
        mutating func waitOut(_ demands: [PassScheduler.Demand]) throws -> PassPlan {
            while true {
                if let plan = next(demands) { return plan }
                pause((try #require(scheduler.deadline) - now).inMilliseconds)
            }
        }

        /// The pass in flight takes its time, and gives each sequence one token.
        mutating func finish(taking milliseconds: Double, isDrafting: Bool = true) {
            pause(milliseconds)
            report(milliseconds, isDrafting: isDrafting)
        }

        /// The compute thread says that it is done now, and what it took.
        mutating func report(_ milliseconds: Double, isDrafting: Bool = true) {
            let outcomes = (scheduler.inFlight?.rounds ?? []).map { round -> RoundOutcome in
                switch round.work {
                case .prefill(let count): .prefilled(count: count, reused: 0)
                case .verify: .verified(Verdict(path: [], accepted: [], correction: 7))
                }
            }
            scheduler.finished(outcomes, milliseconds: milliseconds, isDrafting: isDrafting, now: now)
        }

        mutating func arrive(_ drafts: MergedTree) {
            scheduler.arrived(for: PassSchedulerTests.request, drafts: drafts, depth: 30, now: now)
        }

        /// Deltas that are 10 ms apart, each of which adds a node that is certain.
        mutating func learnRhythm() throws {
            for nodes in 8...11 {
                pause(10)
                arrive(try PassSchedulerTests.chain(nodes, probability: 1))
            }
        }
    }

    private static func chain(_ nodes: Int, probability: Double) throws -> MergedTree {
        var merged = MergedTree(limits: TreeLimits(), workers: [LinkID(rawValue: 1)])
        let tree = try TokenTree(
            (0..<nodes).map { .init(parent: $0 == 0 ? nil : $0 - 1, token: Token($0), logProbability: -0.1) }
        )
        merged.add(MergedTree.Part(tree: tree, probabilities: tree.map { _ in probability }, isProven: true, place: 0))
        return merged
    }

    private static func demand(
        _ id: UInt64 = 1,
        nodes: Int = 0,
        probability: Double = 0.9,
        prefillLeft: Int = 0,
        isExhausted: Bool = false
    ) throws -> PassScheduler.Demand {
        PassScheduler.Demand(
            request: RequestID(rawValue: id),
            prefillLeft: prefillLeft,
            depth: 30,
            drafts: try chain(nodes, probability: probability),
            isExhausted: isExhausted
        )
    }

    // MARK: Starting

    @Test("starts at once if nobody has drafted, one pass at a time")
    func plain() throws {
        var bench = try Bench(pass: 20)
        let demands = [try Self.demand()]
        let plan = try bench.start(demands)
        #expect(plan.rounds.map(\.rows) == [1])
        #expect(!bench.scheduler.isDue(now: bench.now))
        #expect(bench.next(demands) == nil)
        bench.finish(taking: 20)
        #expect(bench.scheduler.isDue(now: bench.now))
        #expect(bench.next(demands) != nil)
    }

    @Test("waits for drafts that are due, and starts without them if they do not come")
    func waits() throws {
        var bench = try Bench(pass: 40)
        try bench.learnRhythm()
        bench.pause(5)
        let demands = [try Self.demand()]
        #expect(bench.next(demands) == nil)
        let deadline = try #require(bench.scheduler.deadline)
        #expect(deadline > bench.now + .milliseconds(4) && deadline < bench.now + .milliseconds(8))
        bench.pause(1)
        #expect(!bench.scheduler.isDue(now: bench.now))
        #expect(bench.next(demands) == nil)
        let plan = try bench.waitOut(demands)
        #expect(plan.ready == .zero + .milliseconds(45))
        #expect(bench.now >= deadline && bench.time < 56, "drafts that are overdue by half their gap do not come")
        #expect(bench.scheduler.deadline == nil)
    }

    @Test("waits only if that costs less than the drafts gain", arguments: [(0.5, false), (5, false), (40, true)])
    func pays(pass: Double, isWorthIt: Bool) throws {
        var bench = try Bench(pass: pass, row: 0.01)
        try bench.learnRhythm()
        bench.pause(3)
        #expect((bench.next([try Self.demand()]) == nil) == isWorthIt)
    }

    @Test("plans again when drafts arrive, and starts if no more will come")
    func arrival() throws {
        var bench = try Bench(pass: 40)
        try bench.learnRhythm()
        bench.pause(5)
        #expect(bench.next([try Self.demand()]) == nil)
        bench.pause(4)
        bench.arrive(try Self.chain(12, probability: 1))
        #expect(bench.scheduler.isDue(now: bench.now))
        let plan = try bench.start([try Self.demand(nodes: 4, isExhausted: true)])
        #expect(plan.trees[Self.request]?.tree.count == 4)
    }

    @Test("does not wait for workers that have never been right")
    func unproven() throws {
        var bench = try Bench(pass: 40)
        for _ in 0..<5 {
            bench.pause(10)
            bench.scheduler.arrived(for: Self.request, drafts: nil, depth: 30, now: bench.now)
        }
        bench.pause(5)
        #expect(bench.next([try Self.demand()]) != nil)
    }

    @Test("does not wait if a prompt is to be read")
    func urgent() throws {
        var bench = try Bench(pass: 40)
        try bench.learnRhythm()
        bench.pause(5)
        let plan = try bench.start([try Self.demand(), try Self.demand(2, prefillLeft: 9)])
        #expect(plan.hasPrompts)
        #expect(plan.rounds.map(\.request.rawValue) == [1, 2])
    }

    @Test("waits less readily after waiting for drafts that did not come")
    func miss() throws {
        var bench = try Bench(pass: 28)
        try bench.learnRhythm()
        bench.pause(3)
        var control = bench
        #expect(bench.next([try Self.demand()]) == nil)
        _ = try bench.waitOut([try Self.demand()])
        // The same without the wait.
        control.pause(bench.time - control.time)
        #expect(control.next([try Self.demand(isExhausted: true)]) != nil)
        var isWaiting: [Bool] = []
        for var bench in [bench, control] {
            bench.pause(0.5)
            bench.report(28)
            bench.arrive(try Self.chain(12, probability: 1))
            bench.pause(3)
            isWaiting.append(bench.next([try Self.demand()]) == nil)
        }
        #expect(isWaiting == [false, true])
    }

    @Test("counts drafts that come at the last moment as punctual")
    func lastMoment() throws {
        var bench = try Bench(pass: 16.5)
        try bench.learnRhythm()
        bench.pause(3)
        var control = bench
        #expect(bench.next([try Self.demand()]) == nil)
        bench.pause((try #require(bench.scheduler.deadline) - bench.now).inMilliseconds)
        #expect(control.next([try Self.demand(isExhausted: true)]) != nil)
        control.pause(bench.time - control.time)
        var isWaiting: [Bool] = []
        for var bench in [bench, control] {
            bench.arrive(try Self.chain(12, probability: 1))
            _ = bench.next([try Self.demand(isExhausted: true)])
            bench.pause(10)
            bench.report(16.5)
            bench.arrive(try Self.chain(13, probability: 1))
            bench.pause(3)
            isWaiting.append(bench.next([try Self.demand()]) == nil)
        }
        #expect(isWaiting == [true, true])
    }

    @Test("forgets what it knew of a request that has ended")
    func ended() throws {
        var bench = try Bench(pass: 40)
        try bench.learnRhythm()
        bench.scheduler.ended(Self.request)
        bench.pause(5)
        #expect(bench.next([try Self.demand()]) != nil)
    }

    @Test("keeps the wait and the time that drafts add within the limit of delay", arguments: 0..<8 as Range<UInt64>)
    func budget(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let plain = 10 + 60 * random.nextUnit()
        var bench = try Bench(pass: plain, row: 3 * random.nextUnit()) {
            if seed % 2 == 0 { $0.delayLimit = .milliseconds(50) }
        }
        let limit = seed % 2 == 0 ? 50 : max(50, 2.5 * plain)
        let longestWait = VerifierConfiguration().maximumWait
        var waits = 0
        for _ in 0..<300 {
            let nodes = 1 + Int(12 * random.nextUnit())
            bench.pause(20 * random.nextUnit())
            if random.nextUnit() < 0.7 { bench.arrive(try Self.chain(nodes, probability: 0.95)) }
            guard let plan = bench.next([try Self.demand(nodes: nodes)]) else {
                let deadline = try #require(bench.scheduler.deadline)
                waits += 1
                #expect(deadline > bench.now && deadline <= bench.now + longestWait)
                bench.pause(min(20 * random.nextUnit(), (deadline - bench.now).inMilliseconds))
                continue
            }
            // The bench may ask late. Then the scheduler must not plan more than is left.
            let waited = min((bench.now - plan.ready).inMilliseconds, limit)
            #expect(plan.overrun == 0 || waited + plan.overrun <= limit)
            bench.finish(taking: plan.milliseconds)
            let left = try Self.chain(Int(3 * random.nextUnit()), probability: 0.9)
            bench.scheduler.committed(Self.request, drafts: left, depth: 30, now: bench.now)
        }
        #expect(waits > 0)
    }

    @Test("waits in the classic protocol until its workers are done, or the longest wait is over")
    func stopAndWait() throws {
        var bench = try Bench(pass: 20) { $0.adopt(.stopAndWait) }
        #expect(bench.next([try Self.demand()]) == nil)
        #expect(bench.scheduler.deadline == .zero + .milliseconds(35))
        var patient = bench
        bench.arrive(try Self.chain(2, probability: 0.9))
        #expect(bench.next([try Self.demand(nodes: 2, isExhausted: true)]) != nil)
        patient.pause(35)
        #expect(patient.next([try Self.demand()]) != nil)
    }

    // MARK: Composing

    @Test("opens each sequence that the engine does not hold, and closes each that no longer runs, once")
    func openings() throws {
        var bench = try Bench(pass: 20)
        func ids(_ requests: [RequestID]?) -> [UInt64]? { requests?.map(\.rawValue) }
        let first = bench.next([try Self.demand(1), try Self.demand(2)])
        #expect(ids(first?.openings) == [1, 2] && ids(first?.closings) == [])
        bench.finish(taking: 20)
        let second = bench.next([try Self.demand(2), try Self.demand(3)])
        #expect(ids(second?.openings) == [3] && ids(second?.closings) == [1])
        bench.finish(taking: 20)
        let last = bench.next([])
        #expect(ids(last?.closings) == [2, 3] && last?.rounds.isEmpty == true)
        bench.finish(taking: 0.1)
        #expect(bench.next([]) == nil)
        bench.pause(500)
        #expect(bench.next([try Self.demand(4)])?.ready == bench.now, "idle time is no delay")
    }

    @Test("shares a pass's rows among prompts in the order of admission")
    func prompts() throws {
        var bench = try Bench(pass: 20)
        let plan = try bench.start([
            try Self.demand(1, prefillLeft: 100), try Self.demand(2, prefillLeft: 100),
            try Self.demand(3, prefillLeft: 100),
        ])
        #expect(plan.rounds.map(\.request.rawValue) == [1, 2])
        #expect(plan.rounds.map(\.rows) == [100, 28])
    }

    @Test("verifies drafts that pay, and no improbable ones")
    func drafts() throws {
        var bench = try Bench(pass: 20)
        let plan = try bench.start([try Self.demand(1, nodes: 6), try Self.demand(2, nodes: 6, probability: 0.001)])
        #expect(plan.trees.values.map(\.tree.count) == [6, 0])
        #expect(plan.rounds.map(\.rows) == [7, 1])
        #expect(plan.isDrafted && plan.expectedTokens > 2)
        #expect(plan.trees[Self.request]?.workers == [LinkID(rawValue: 1)])
    }

    // MARK: Learning

    @Test("learns from every pass what the next one costs")
    func costs() throws {
        var bench = try Bench(pass: 20)
        for _ in 0..<200 {
            _ = bench.next([try Self.demand()])
            bench.finish(taking: 40)
        }
        #expect(abs(bench.scheduler.costs.milliseconds(rows: 1) - 40) < 0.1)
    }

    @Test("measures drafting only against passes during which nobody drafts")
    func quiet() throws {
        var busy = try Bench(pass: 20)
        for _ in 0..<30 {
            _ = busy.next([try Self.demand()])
            busy.finish(taking: 40)
        }
        // Passes that are twice as slow while workers compute do not become the measure of plain ones.
        #expect(abs((busy.scheduler.slowdownGuard.lastLoss ?? 1) - 0.5) < 1e-9)
        var quiet = try Bench(pass: 20)
        for pass in 0..<200 {
            _ = quiet.next([try Self.demand()])
            quiet.finish(taking: 40, isDrafting: pass >= 150)
        }
        #expect(quiet.scheduler.slowdownGuard.lastLoss == nil)
        #expect(abs((quiet.scheduler.slowdownGuard.speedUp ?? 0) - 1) < 0.01)
    }

    @Test("does not judge drafting by passes that read prompts")
    func mixed() throws {
        var bench = try Bench(pass: 20)
        for _ in 0..<100 {
            _ = bench.next([try Self.demand(), try Self.demand(2, prefillLeft: 500)])
            bench.finish(taking: 400)
        }
        #expect(bench.scheduler.slowdownGuard.speedUp == nil)
    }

    @Test("plans again after a pass that failed")
    func abandoned() throws {
        var bench = try Bench(pass: 20)
        _ = bench.next([try Self.demand()])
        bench.scheduler.abandon()
        #expect(bench.scheduler.inFlight == nil)
        #expect(bench.next([try Self.demand()])?.openings == [], "the engine holds it already")
    }
}
