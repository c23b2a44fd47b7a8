import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// What a simulation is made of: processes, requests, network and faults, all drawn from one seed.
struct Scenario {
    enum FaultKind: String, CaseIterable {
        case kill, stop, cut, hold, corrupt, intrude
    }

    struct WorkerPlan {
        var name: String
        var hasModel = true
        var slots = 8
        var draft = DraftSettings()
        /// Its tokens bear the tags of the prefix they are proposed after.
        var isTagged = true
        var start = Duration.zero
        var stepMilliseconds: Double
        var makeDrafters: (UInt64) -> [any Drafter]
    }

    struct RequestPlan {
        var generation: GenerationRequest
        var start = Duration.zero
        var cancel: Duration?
    }

    var seed: UInt64
    var verifier = VerifierConfiguration()
    var workers: [WorkerPlan] = []
    var requests: [RequestPlan] = []
    var passBase = 20.0
    var passPerRow = 0.2
    /// How much longer a pass takes for each worker that computes at its beginning: workers on the verifier's machine.
    var contention = 0.0
    var minimumDelay = 0.05
    var jitter = 0.5
    var chunkBytes = 4096
    var faultKinds: [FaultKind] = []
    var faultCount = 0
    var faultWindow = Duration.seconds(4)

    func delay(_ random: inout SplitMix) -> Duration {
        .fromMilliseconds(minimumDelay + jitter * random.nextUnit())
    }

    /// Anything at all: 0 to 8 workers of mixed kinds and speeds, 1 to 6 requests, slow and fast networks, a random set
    /// of faults, extreme settings now and then.
    static func anything(seed: UInt64) -> Scenario {
        var random = SplitMix(seed: seed &* 0x2545_f491_4f6c_dd1d)
        var scenario = Scenario(seed: seed)
        scenario.verifier.slots = 1 + random.next(below: 4)
        scenario.verifier.prefillRows = [1, 16, 128][random.next(below: 3)]
        scenario.verifier.draft.nodes = [1, 8, 64, 512][random.next(below: 4)]
        scenario.verifier.draft.depth = [1, 4, 16, 32][random.next(below: 4)]
        scenario.verifier.draft.width = 1 + random.next(below: 4)
        scenario.passBase = [2, 20, 60, 1500][random.next(below: 4)]
        if scenario.passBase > 1000 { scenario.verifier.prefillRows = 128 }
        scenario.minimumDelay = [0.05, 2, 40][random.next(below: 3)]
        scenario.jitter = scenario.minimumDelay * 2
        scenario.chunkBytes = [60, 4096][random.next(below: 2)]
        for _ in 0..<random.next(below: 9) {
            scenario.workers.append(.anything(&random))
        }
        for _ in 0..<1 + random.next(below: 8) {
            scenario.requests.append(.anything(&random))
        }
        scenario.faultKinds = FaultKind.allCases.filter { _ in random.next(below: 2) == 0 }
        scenario.faultCount = random.next(below: 20)
        scenario.verifier.link.basePart = [1, 3, 1 << 16][random.next(below: 3)]
        scenario.verifier.link.baseWindow = [1, 1 << 20][random.next(below: 2)]
        return scenario
    }
}

extension Scenario.WorkerPlan {
    static func mock(_ agreement: Double, claim: Double? = nil, step: Double = 5) -> Scenario.WorkerPlan {
        Scenario.WorkerPlan(name: "mock \(agreement)", stepMilliseconds: step) { seed in
            [MockDrafter(agreement: agreement, claim: claim, seed: seed)]
        }
    }

    static func hostile(step: Double = 5) -> Scenario.WorkerPlan {
        Scenario.WorkerPlan(name: "random", hasModel: false, isTagged: false, stepMilliseconds: step) {
            [RandomDrafter(seed: $0)]
        }
    }

    static func anything(_ random: inout SplitMix) -> Scenario.WorkerPlan {
        let step = [0.2, 5, 15, 200][random.next(below: 4)]
        var plan: Scenario.WorkerPlan
        switch random.next(below: 8) {
        case 0: plan = .mock(0, claim: 0.99, step: step)
        case 1:
            plan = Scenario.WorkerPlan(name: "ngram", hasModel: false, isTagged: false, stepMilliseconds: step) { _ in
                [NGramDrafter()]
            }
        case 2:
            let steps = random.next(below: 40)
            plan = Scenario.WorkerPlan(name: "failing", stepMilliseconds: step) {
                [MockDrafter(agreement: 0.9, seed: $0, stepsLeft: steps)]
            }
        case 3: plan = .hostile(step: step)
        default: plan = .mock(random.nextUnit(), step: step)
        }
        plan.slots = 1 + random.next(below: 4)
        plan.start = .milliseconds(random.next(below: 2) * random.next(below: 2000))
        return plan
    }
}

extension Scenario.RequestPlan {
    static func tokens(_ count: Int, prompt: [Token] = [1, 2, 3], seed: UInt64 = 1) -> Scenario.RequestPlan {
        Scenario.RequestPlan(
            generation: GenerationRequest(
                prompt: prompt,
                sampling: SamplingParameters(seed: seed),
                maximumTokens: count
            )
        )
    }

    static func anything(_ random: inout SplitMix) -> Scenario.RequestPlan {
        let length = [1, 2, 30, 300][random.next(below: 4)]
        let prompt = (0..<length).map { _ in Token(random.next(below: TaggedText.vocabularySize)) }
        var plan = tokens(1 + random.next(below: 120), prompt: prompt, seed: random.next())
        if random.next(below: 2) == 0 {
            let text = TaggedText.plain(prompt: prompt, seed: plan.generation.sampling.seed, count: 60)
            plan.generation.stopTokens = [text[random.next(below: text.count)]]
        }
        plan.start = .milliseconds(random.next(below: 1500))
        if random.next(below: 8) == 0 { plan.cancel = .milliseconds(random.next(below: 3000)) }
        return plan
    }
}
