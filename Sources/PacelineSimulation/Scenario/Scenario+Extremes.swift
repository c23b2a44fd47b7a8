import PacelineCluster
import PacelineModel
import PacelineSpeculation

extension Scenario {
    /// What ``swarm(seed:allowed:)`` leaves out: long prompts, very fast and very slow models, and workers on the
    /// verifier's machine. Also engines that share pages and fail on request, and texts whose tokens name their
    /// request.
    ///
    /// Draws from its own random streams, so that the swarm's scenarios do not change.
    package static func extremes(
        seed: UInt64,
        allowed: Set<FaultKind> = Set(FaultKind.allCases)
    ) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4558_5452_454d))
        var scenario = try swarm(seed: random.next(), allowed: allowed)
        scenario.isTagged = true
        scenario.reusesPages = true
        scenario.cacheCapacity = 1 << 16
        // Clients that try again all the time would cost much and show little here.
        scenario.verifier.queueLimit = VerifierConfiguration().queueLimit
        scenario.faults.remove(.overload)
        let ordinary = random.pick([2.0, 20, 60])
        let base = random.next(below: 8) == 0 ? 1500 : ordinary
        scenario.costs = try .linear(base: base, perRow: base * random.pick([0.002, 0.01, 0.05]))
        scenario.drawMachine(allowed, &random)
        scenario.drawWorkers(&random)
        scenario.drawRequests(allowed, &random)
        scenario.drawOtherBeginnings()
        if base > 1000 { scenario.shorten() }
        scenario.drawMoreStrikes(allowed, &random)
        scenario.drawWishes()
        return scenario
    }

    /// Workers on the verifier's own machine.
    private mutating func drawMachine(_ allowed: Set<FaultKind>, _ random: inout SplitMix) {
        let slowdown = random.pick([0, 0.1, 0.3, 1])
        guard allowed.contains(.contention), slowdown > 0 else { return }
        contention = slowdown
        faults.insert(.contention)
    }

    private mutating func drawWorkers(_ random: inout SplitMix) {
        let kinds: [DrafterKind] = [.model(agreement: 0.9), .model(agreement: 0.3), .failing(agreement: 0.9), .liar]
        while workers.count < 2 {
            workers.append(Worker(drafter: .model(agreement: random.nextUnit()), stepMilliseconds: 5))
        }
        // In half of the scenarios every drafter sets tags, so that the tags of all nodes can be checked.
        let areTagged = random.next(below: 2) == 0
        for index in workers.indices {
            let kind = random.pick(kinds)
            if areTagged, !workers[index].drafter.isTagged { workers[index].drafter = kind }
            workers[index].stepMilliseconds = random.pick([0.2, 5, 15, 200])
        }
        if areTagged {
            byzantineWorkers = 0
            faults.remove(.byzantine)
        }
    }

    private mutating func drawRequests(_ allowed: Set<FaultKind>, _ random: inout SplitMix) {
        let stem = (0..<300).map { _ in Token(random.next(below: Int(MockText.alphabet))) }
        for index in requests.count..<requests.count + 1 + random.next(below: 4) {
            let seed = random.next() & ~0xff | UInt64(index)
            requests.append(Request(prompt: stem, seed: seed, maximumTokens: 1 + random.next(below: 80)))
            requests[index].start = .milliseconds(random.next(below: 1500))
        }
        for index in requests.indices {
            let length = random.pick([1, 129, 200, 300])
            if random.next(below: 4) > 0 { requests[index].prompt = Array(stem.prefix(length)) }
            let text = MockText.plain(
                prompt: requests[index].prompt,
                seed: requests[index].seed,
                count: 40,
                isTagged: true
            )
            if !requests[index].stopTokens.isEmpty { requests[index].stopTokens = [random.pick(text)] }
            let round = 1 + random.next(below: random.pick([2, 10]))
            let isFailing = random.next(below: 3) == 0
            guard allowed.contains(.engineFailure), isFailing else { continue }
            requests[index].failingRound = round
            faults.insert(.engineFailure)
        }
    }

    /// Some prompts begin differently and go on as others do, so that pages with equal tokens hold different keys.
    /// Draws from its own random stream.
    private mutating func drawOtherBeginnings() {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4f54_4852))
        let page = KVPageUsage.tokensPerPage
        guard let stem = requests.map(\.prompt).first(where: { $0.count > 2 * page }) else { return }
        for index in requests.indices where random.next(below: 3) == 0 {
            let beginning = (0..<page).map { _ in Token(random.next(below: Int(MockText.alphabet))) }
            requests[index].prompt = beginning + stem[page...]
        }
    }

    /// Long passes make long runs, in which most events are heartbeats.
    private mutating func shorten() {
        verifier.prefillRows = 128
        for index in requests.indices {
            requests[index].maximumTokens = min(requests[index].maximumTokens, 6)
        }
    }

    /// Draws half of these kinds again, because extreme scenarios are few and each kind must strike.
    private mutating func drawMoreStrikes(_ allowed: Set<FaultKind>, _ random: inout SplitMix) {
        faultWindow += .milliseconds(500)
        let window = Int(faultWindow.inMilliseconds)
        for kind: FaultKind in [.kill, .pause, .cut, .partition, .corrupt, .intrude] {
            let times = (0..<1 + random.next(below: 3)).map { _ in Duration.milliseconds(random.next(below: window)) }
            guard random.next(below: 2) == 0, allowed.contains(kind) else { continue }
            faults.insert(kind)
            strikes += times.map { Strike(kind: kind, at: $0) }
        }
    }
}
