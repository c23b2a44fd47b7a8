import PacelineCluster
import PacelineGateway
import PacelineSpeculation

extension Scenario {
    /// A bound on lost verifiers that no stream reaches.
    static let unlimitedFailures = 1000

    /// Verifiers behind gateways, with clients that ask them for streams and whole answers, of chat and completions.
    /// Verifiers crash, stop, end in order and come back with another model; gateways crash and stop; the connections
    /// between them break.
    ///
    /// Draws from its own random streams, so that the swarm's scenarios do not change.
    package static func behindGateways(
        seed: UInt64,
        allowed: Set<FaultKind> = Set(FaultKind.allCases)
    ) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4741_5445_5741))
        var scenario = try swarm(seed: random.next(), allowed: allowed)
        scenario.gateways = 1 + random.next(below: 2)
        scenario.verifiers = 2 + random.next(below: 3)
        // What many workers, hostile ones and single bytes do to links costs much time, and other scenarios show it.
        scenario.workers = Array(scenario.workers.prefix(2))
        scenario.byzantineWorkers = 0
        scenario.faults.remove(.byzantine)
        scenario.network.sliceBytes = max(100, scenario.network.sliceBytes)
        scenario.faultWindow += .milliseconds(1500)
        // Slow enough for faults to strike in the middle of streams.
        let base = random.pick([15.0, 40, 80])
        scenario.costs = try .linear(base: base, perRow: base * random.pick([0.002, 0.01, 0.05]))
        scenario.drawGateway(&random)
        scenario.drawUpstreamStrikes(allowed, &random)
        scenario.drawStreams(&random)
        scenario.hasTwoAddresses = random.next(below: 3) == 0
        return scenario
    }

    private mutating func drawGateway(_ random: inout SplitMix) {
        let limit = random.next(below: 4) == 0 ? gateway.failureLimit : Self.unlimitedFailures
        gateway.failureLimit = limit
        gateway.failoverLimit = limit == Self.unlimitedFailures ? limit : gateway.failoverLimit
        gateway.patience = .seconds(random.pick([3, 10, 30]))
        gateway.pingInterval = .seconds(random.pick([1, 10]))
        let requestLimit = random.pick([1, 3])
        if faults.contains(.tinyLimits) { gateway.requestLimit = requestLimit }
        gateway.affinitySlack = random.pick([0, 64, 4096])
    }

    private mutating func drawUpstreamStrikes(_ allowed: Set<FaultKind>, _ random: inout SplitMix) {
        let window = Int(faultWindow.inMilliseconds)
        for kind in FaultKind.gateways + [.verifierKill, .verifierPause] {
            let count = 1 + random.next(below: 3)
            let times = (0..<count).map { _ in Duration.milliseconds(random.next(below: window)) }
            let isDrawn = random.next(below: 5) < 2
            guard isDrawn, allowed.contains(kind) else { continue }
            faults.insert(kind)
            strikes += times.map { Strike(kind: kind, at: $0) }
        }
    }

    private mutating func drawStreams(_ random: inout SplitMix) {
        while requests.count < 5 {
            let prompt = (0..<1 + random.next(below: 20)).map { _ in Token(random.next(below: Int(MockText.alphabet))) }
            let seed = random.next() & ~0xff | UInt64(requests.count)
            requests.append(Request(prompt: prompt, seed: seed, maximumTokens: 1 + random.next(below: 40)))
        }
        // Models differ between generations, so no client may bring tokens of one to another.
        let isOneGeneration = !faults.contains(.upgrade)
        for index in requests.indices {
            let wishes = drawWishes(&random)
            requests[index].stream = wishes
            if wishes.isChat { requests[index].prompt = requests[index].prompt.map(MockVocabulary.letter) }
            // Long enough for faults to strike in the middle, and room for all choices at once: a verifier without a
            // queue could not take them otherwise.
            let longer = 40 + random.next(below: 120)
            let isLonger = random.next(below: 3) > 0
            let room = cacheCapacity / wishes.choices - requests[index].prompt.count
            requests[index].maximumTokens = min(max(isLonger ? longer : 1, requests[index].maximumTokens), max(1, room))
            requests[index].minimumTokens = min(requests[index].minimumTokens, requests[index].maximumTokens)
            requests[index].prediction = []
            requests[index].failingRound = nil
            requests[index].start = .milliseconds(100 + random.next(below: Int(faultWindow.inMilliseconds)))
            requests[index].logProbabilities?.includesPrompt = wishes.echoes
            let mayGoOn = isOneGeneration && wishes.showsTokens
            if !mayGoOn { (requests[index].generated, requests[index].goesOn) = (0, false) }
        }
    }

    private func drawWishes(_ random: inout SplitMix) -> StreamWishes {
        var wishes = StreamWishes()
        wishes.choices = min(random.pick([1, 1, 1, 2, 3]), verifier.slots)
        wishes.showsTokens = random.next(below: 2) == 0
        wishes.showsUsage = random.next(below: 2) == 0
        wishes.echoes = random.next(below: 3) == 0
        wishes.statesSeed = random.next(below: 2) == 0
        wishes.pingInterval = random.pick([nil, 0, 0.5])
        wishes.readPause = .milliseconds(random.pick([50, 500, 3000]))
        wishes.isStreamed = random.next(below: 4) > 0
        wishes.isChat = random.next(below: 3) == 0
        if wishes.isChat { wishes.echoes = false }
        return wishes
    }
}
