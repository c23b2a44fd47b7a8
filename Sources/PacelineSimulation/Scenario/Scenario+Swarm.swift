import PacelineCluster
package import PacelineSpeculation
import PacelineWire

extension Scenario {
    /// A random cluster under a random subset of the faults, with random and sometimes extreme intensities. This is
    /// swarm testing (Groce et al. 2012): tests with all features at once reach fewer states than tests with random
    /// subsets.
    ///
    /// - Parameters:
    ///   - seed: decides everything.
    ///   - allowed: faults that may be drawn.
    package static func swarm(seed: UInt64, allowed: Set<FaultKind> = Set(FaultKind.allCases)) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed))
        let base = random.pick([5.0, 15, 40])
        var scenario = Scenario(
            seed: seed,
            costs: try .linear(base: base, perRow: base * random.pick([0.002, 0.01, 0.05]))
        )
        let share = random.pick([0, 0.1, 0.25, 0.5])
        // Every kind draws, allowed or not, so that --faults changes nothing but the faults.
        let drawn = FaultKind.swarm.filter { _ in random.nextUnit() < share }
        scenario.faults = allowed.intersection(drawn)
        scenario.verifiers = random.next(below: 4) == 0 ? 2 : 1
        scenario.faultWindow = .milliseconds(300 + random.next(below: 2500))
        scenario.drawLimits(&random)
        scenario.drawNetwork(&random)
        for _ in 0..<random.pick([0, 1, 1, 2, 2, 3, 4, 6]) {
            scenario.workers.append(scenario.worker(&random))
        }
        for index in 0..<1 + random.next(below: scenario.faults.contains(.overload) ? 12 : 5) {
            scenario.requests.append(scenario.request(index, &random))
        }
        scenario.byzantineWorkers = scenario.faults.contains(.byzantine) ? 1 + random.next(below: 2) : 0
        scenario.drawStrikes(&random)
        scenario.drawProtocol()
        scenario.drawWishes()
        scenario.drawHeads()
        scenario.drawWidened(allowed)
        return scenario
    }

    /// What some clients ask for besides tokens. Draws from its own random stream, as ``drawProtocol()`` does.
    mutating func drawWishes() {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x5749_5348))
        verifier.queueLimitPerTenant = max(1, verifier.queueLimit / random.pick([1, 2]))
        verifier.sharesPrefixesBetweenTenants = random.next(below: 4) == 0
        for index in requests.indices {
            requests[index].tenant = Tenant(rawValue: random.pick(["", "a", "b"]))
            requests[index].cacheSalt = random.pick([nil, nil, "salt"])
            let limit = random.pick([0, 1, 2, 5])
            let minimum = random.next(below: requests[index].maximumTokens + 1)
            let generated = random.next(below: requests[index].maximumTokens + 1)
            let scoring = LogProbabilityRequest(top: random.next(below: 4), includesPrompt: random.next(below: 2) == 0)
            requests[index].logProbabilities = random.next(below: 4) == 0 ? scoring : nil
            let errors = random.pick([0, 0.1, 1])
            let expected = expectation(of: requests[index], errors: errors, &random)
            requests[index].prediction = random.next(below: 4) == 0 ? expected : []
            requests[index].goesOn = random.next(below: 2) == 0
            requests[index].draftLimit = random.next(below: 4) == 0 ? limit : nil
            requests[index].minimumTokens = random.next(below: 3) == 0 ? minimum : 0
            requests[index].generated = random.next(below: 6) == 0 ? generated : 0
        }
    }

    /// In some scenarios: bases in tiny parts with little room, and workers of the previous version. Draws from its own
    /// random stream, so that the rest of a seed's scenario does not depend on it.
    mutating func drawProtocol() {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4241_5345))
        if random.next(below: 4) == 0 {
            link.basePart = random.pick([1, 3, 16])
            link.baseWindow = random.pick([1, 100, 1 << 20])
        }
        let old = WireLimits.protocolVersions.lowerBound
        for index in workers.indices where random.next(below: 4) == 0 { workers[index].versions = old...old }
    }

    /// What a client expects that is right but for a share of its tokens.
    private func expectation(of request: Request, errors: Double, _ random: inout SplitMix) -> [Token] {
        let text = MockText.plain(
            prompt: request.prompt,
            seed: request.seed,
            count: request.maximumTokens,
            isTagged: isTagged
        )
        return text.flatMap { token in
            guard random.nextUnit() < errors else { return [token] }
            return [[], [Token(random.next(below: MockText.vocabularySize))], [token, token]][random.next(below: 3)]
        }
    }

    mutating func drawLimits(_ random: inout SplitMix) {
        verifier.slots = random.pick([1, 2, 4, 8])
        verifier.prefillRows = random.pick([8, 32, 128])
        verifier.draft = DraftLimits(
            nodes: random.pick([4, 16, 32]),
            depth: random.pick([2, 6, 12]),
            width: random.pick([1, 2, 4])
        )
        verifier.workersPerSequence = random.pick([1, 2, 16])
        if faults.contains(.overload) { verifier.queueLimit = random.next(below: 3) }
        guard faults.contains(.tinyLimits) else { return }
        verifier.draft.nodes = random.pick([1, 2, 512])
        verifier.draft.depth = random.pick([1, 32])
        verifier.prefillRows = random.pick([1, 3])
        verifier.workerLimit = random.pick([1, 2, 256])
        verifier.pendingLimit = random.pick([1, 32])
        cacheCapacity = random.pick([200, 400])
        link.pingLimit = random.pick([16, 32])
        network.windowBytes = random.pick([64, 512])
    }

    mutating func drawNetwork(_ random: inout SplitMix) {
        if faults.contains(.latency) {
            network.latency = .milliseconds(random.pick([1, 5, 20, 80]))
            network.jitter = network.latency * random.pick([0, 0.5, 2])
        }
        if faults.contains(.bandwidth) { network.bytesPerSecond = random.pick([4_000, 50_000, 1_000_000]) }
        if faults.contains(.slicing) { network.sliceBytes = random.pick([1, 7, 100]) }
    }

    func worker(_ random: inout SplitMix) -> Worker {
        var drafter = DrafterKind.model(agreement: random.pick([0.4, 0.7, 0.85, 0.95]))
        let draw = random.next(below: 10)
        if draw == 0 { drafter = .ngram }
        if draw == 1 { drafter = .failing(agreement: 0.8) }
        if faults.contains(.lie), random.next(below: 2) == 0 { drafter = random.pick([.liar, .random]) }
        var worker = Worker(drafter: drafter, stepMilliseconds: random.pick([0.3, 1, 3, 10]))
        worker.slots = random.pick([1, 2, 8])
        worker.start = .milliseconds(random.next(below: 2) * random.next(below: 500))
        if faults.contains(.straggle), random.next(below: 2) == 0 { worker.straggling = random.pick([5, 50, 300]) }
        return worker
    }

    func request(_ index: Int, _ random: inout SplitMix) -> Request {
        let length = random.pick([1, 2, 10, 60])
        let prompt = (0..<length).map { _ in Token(random.next(below: Int(MockText.alphabet))) }
        let seed = random.next() & ~0xff | UInt64(index)
        var request = Request(
            prompt: prompt,
            seed: seed,
            maximumTokens: 1 + random.next(below: random.pick([4, 30, 80]))
        )
        if random.next(below: 3) == 0 {
            let text = MockText.plain(prompt: prompt, seed: request.seed, count: 40)
            request.stopTokens = [text[random.next(below: text.count)]]
        }
        request.start = .milliseconds(random.next(below: faults.contains(.overload) ? 50 : 600))
        let isCancelled = random.next(below: 3) == 0
        let cancel = Duration.milliseconds(random.next(below: 1000))
        if faults.contains(.cancel), isCancelled { request.cancel = cancel }
        let isSlow = random.next(below: 4) == 0
        let readLimit = random.next(below: 20)
        if faults.contains(.slowClient), isSlow { request.readLimit = readLimit }
        return request
    }

    private mutating func drawStrikes(_ random: inout SplitMix) {
        let window = Int(faultWindow.inMilliseconds)
        for kind in FaultKind.swarm where kind.isScheduled {
            let count = 1 + random.next(below: random.pick([1, 3, 8]))
            let times = (0..<count).map { _ in Duration.milliseconds(random.next(below: window)) }
            guard faults.contains(kind) else { continue }
            strikes += times.map { Strike(kind: kind, at: $0) }
        }
    }
}

extension SplitMix {
    /// One of `choices`, which are not empty.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[next(below: choices.count)]
    }

    /// A length of time below `bound`.
    mutating func duration(below bound: Duration) -> Duration {
        bound * nextUnit()
    }
}

extension CostCurve {
    /// Passes of `base` + `perRow` × rows milliseconds.
    package static func linear(base: Double, perRow: Double) throws -> CostCurve {
        try CostCurve(
            [1, 2, 4, 8, 16, 32, 64, 128, 256].map {
                Point(rows: $0, milliseconds: base + perRow * Double($0))
            }
        )
    }
}
