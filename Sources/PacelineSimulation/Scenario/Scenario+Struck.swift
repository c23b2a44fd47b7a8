import PacelineCluster
import PacelineGateway
import PacelineSpeculation
import PacelineWire

extension Scenario {
    /// A small cluster of one verifier that certain kinds of faults strike for sure, several times each.
    ///
    /// - Parameter kinds: faults of the swarm.
    static func struck(seed: UInt64, by kinds: [FaultKind]) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4149_4d45))
        var scenario = try swarm(seed: random.next(), allowed: [])
        scenario.faults = Set(kinds)
        scenario.verifiers = 1
        scenario.drawLimits(&random)
        scenario.drawNetwork(&random)
        if kinds.contains(.overload) { scenario.verifier.slots = 1 }
        while scenario.workers.count < 3 { scenario.workers.append(scenario.worker(&random)) }
        let count = kinds.contains(.overload) ? 8 : 4
        for index in scenario.requests.count..<max(count, scenario.requests.count) {
            scenario.requests.append(scenario.request(index, &random))
        }
        for index in scenario.requests.indices {
            scenario.requests[index].maximumTokens = max(20, scenario.requests[index].maximumTokens)
            if kinds.contains(.cancel) { scenario.requests[index].cancel = .milliseconds(random.next(below: 400)) }
            if kinds.contains(.slowClient) { scenario.requests[index].readLimit = random.next(below: 10) }
        }
        scenario.drawProtocol()
        scenario.drawWishes()
        scenario.byzantineWorkers = kinds.contains(.byzantine) ? 2 : 0
        // A worker that rests cannot show what its trees may do.
        scenario.verifier.restsDrafting = !kinds.contains(.byzantine)
        scenario.verifier.waitsForWorkers = false
        if kinds.contains(.wrongModel) { scenario.addForeigner(&random) }
        if kinds.contains(.versionSkew) { scenario.drawVersions(&random) }
        scenario.strike(kinds, &random)
        return scenario
    }

    /// The same scenario where passes wait for workers as long as they may, so that a tree for the present base is
    /// verified whoever sent it.
    func waitingForWorkers() -> Scenario {
        var scenario = self
        scenario.verifier.waitsForWorkers = true
        return scenario
    }

    /// The same scenario where bases travel three tokens at a time, each part once the one before has left.
    func withBasesInParts() -> Scenario {
        var scenario = self
        (scenario.link.basePart, scenario.link.baseWindow) = (3, 1)
        return scenario
    }

    /// The same scenario where plain decoding would stop every request just before it may.
    func stoppingBeforeMinimum() -> Scenario {
        var scenario = self
        for index in requests.indices {
            let request = requests[index]
            let text = MockText.plain(prompt: request.prompt, seed: request.seed, count: request.maximumTokens)
            guard let stop = text.dropFirst(text.count / 2).first, let place = text.firstIndex(of: stop) else {
                continue
            }
            (scenario.requests[index].stopTokens, scenario.requests[index].minimumTokens) = ([stop], place + 1)
        }
        return scenario
    }

    /// As ``struck(seed:by:)``, with requests that last, so that long silences can be seen.
    static func lasting(seed: UInt64, by kinds: [FaultKind]) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4c41_5354))
        var scenario = Scenario(seed: seed, costs: try .linear(base: 40, perRow: 0.4))
        scenario.verifier.draft = DraftLimits(nodes: 16, depth: 6, width: 2)
        scenario.faults = Set(kinds)
        for _ in 0..<3 {
            // Only a worker that computes can hang in it.
            let step = kinds.contains(.hang) ? 25.0 : 3
            var worker = Worker(drafter: .model(agreement: 0.8), stepMilliseconds: step)
            worker.start = .milliseconds(random.next(below: 20))
            scenario.workers.append(worker)
        }
        for index in 0..<2 {
            scenario.requests.append(
                Request(
                    prompt: [Token(index)],
                    seed: random.next() & ~0xff | UInt64(index),
                    maximumTokens: kinds.isEmpty ? 250 : 400
                )
            )
        }
        scenario.faultWindow = .seconds(6)
        for kind in kinds {
            scenario.strikes += (0..<(kind == .hang ? 8 : 4)).map { _ in
                Strike(kind: kind, at: .milliseconds(200 + random.next(below: kind == .hang ? 1500 : 3500)))
            }
        }
        return scenario
    }

    /// Verifiers behind gateways that certain kinds of faults strike for sure, several times each. Everything happens
    /// after some seconds, when every gateway must know every verifier.
    static func struckBehindGateways(seed: UInt64, by kinds: [FaultKind]) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x5354_4757))
        var scenario = try behindGateways(seed: seed, allowed: [])
        let quiet = Duration.seconds(3)
        scenario.faults = Set(kinds)
        scenario.verifier.slots = 8
        scenario.verifier.prefillRows = 8
        scenario.gateway.failureLimit = unlimitedFailures
        scenario.gateway.failoverLimit = unlimitedFailures
        for index in scenario.requests.indices {
            scenario.requests[index].start = quiet + .milliseconds(random.next(below: 1200))
            scenario.requests[index].maximumTokens = 60
            scenario.requests[index].minimumTokens = 0
            // The choices of an answer then begin one after the other.
            scenario.requests[index].stream.choices = 3
            let echoes = !scenario.requests[index].stream.isChat
            scenario.requests[index].stream.echoes = echoes
            scenario.requests[index].logProbabilities = LogProbabilityRequest(top: 1, includesPrompt: echoes)
            if kinds.contains(.cancel) { scenario.requests[index].cancel = .milliseconds(random.next(below: 800)) }
            // Models differ between generations, so no client may bring tokens of one to another.
            guard kinds.contains(.upgrade) else { continue }
            (scenario.requests[index].generated, scenario.requests[index].goesOn) = (0, false)
        }
        scenario.strike(kinds, &random)
        for index in scenario.strikes.indices { scenario.strikes[index].at += quiet }
        scenario.faultWindow = quiet + .seconds(2)
        return scenario
    }

    /// The same with many clients, each of which asks for a little, so that some ask at any moment at which something
    /// may happen.
    static func crowdedBehindGateways(seed: UInt64, by kinds: [FaultKind]) throws -> Scenario {
        var scenario = try struckBehindGateways(seed: seed, by: kinds)
        let few = scenario.requests
        scenario.requests = (0..<40).map { place in
            var request = few[place % few.count]
            request.seed = request.seed & ~0xff | UInt64(place)
            request.maximumTokens = 4
            (request.generated, request.goesOn, request.readLimit) = (0, false, nil)
            request.start = .seconds(3) + .milliseconds(50 * place)
            return request
        }
        scenario.verifier.slots = 120
        return scenario
    }

    /// Workers of little use on the verifier's own machine, which they slow down.
    static func contended(seed: UInt64) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x434f_4e54))
        let base = random.pick([24.0, 36, 48])
        var scenario = Scenario(seed: seed, costs: try .linear(base: base, perRow: base / 60))
        scenario.passJitter = 0
        scenario.contention = 1
        let drafter = random.pick([DrafterKind.model(agreement: 0.1), .model(agreement: 0.2), .liar])
        scenario.workers = [Worker(drafter: drafter, stepMilliseconds: random.pick([15, 30]))]
        scenario.requests = [Request(prompt: [1, 2, 3], seed: random.next() & ~0xff, maximumTokens: 800)]
        scenario.requests[0].start = .seconds(1)
        return scenario
    }

    private mutating func strike(_ kinds: [FaultKind], _ random: inout SplitMix) {
        faultWindow = .milliseconds(1500)
        for kind in kinds where kind.isScheduled {
            strikes += (0..<5).map { _ in Strike(kind: kind, at: .milliseconds(random.next(below: 900))) }
        }
    }
}
