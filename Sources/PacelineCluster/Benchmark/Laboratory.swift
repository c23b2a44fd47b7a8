package import PacelineSpeculation

/// Runs methods of drafting side by side on one target, in one process: stop-and-wait rounds without a network.
///
/// A method is tried live, or against the target's recorded text: then only its drafters run, and all counts are the
/// same. For the thread on which target and drafters were loaded.
package struct Laboratory {
    /// Drafters that work together, under one name, with what shapes their trees and what decides about them.
    package struct Method: Sendable, Hashable {
        package var name: String
        package var drafters: [DrafterName]
        /// Nil for best-first growth.
        package var planner: PlannerSettings?
        package var acceptance: AcceptanceName

        package init(
            name: String,
            drafters: [DrafterName],
            planner: PlannerSettings? = nil,
            acceptance: AcceptanceName = .sampleMatch
        ) {
            self.name = name
            self.drafters = drafters
            self.planner = planner
            self.acceptance = acceptance
        }

        /// Why its parts do not go together; nil if they do.
        package var objection: String? {
            var isDrawn = false
            if drafters.count == 1, case .model = drafters[0] { isDrawn = true }
            return acceptance.objection(to: planner, isDrawn: isDrawn)
        }

        /// Whether its text is plain decoding's, so that it can draft for a recorded one.
        package var keepsText: Bool { acceptance.guarantee == .tokens }
    }

    /// What is generated.
    package struct Question: Sendable {
        package var prompt: [Token]
        package var sampling: SamplingParameters

        package init(prompt: [Token], sampling: SamplingParameters) {
            self.prompt = prompt
            self.sampling = sampling
        }
    }

    /// What one run showed.
    package struct Outcome: Sendable {
        package var figures = MethodFigures()
        /// Milliseconds; nil if the target did not run.
        package var drafting = 0.0
        package var verifying: Double?
        /// The generated tokens: those of plain decoding, if the rule is sample-match.
        package var tokens: [Token] = []
    }

    /// What a method has learned and remembers.
    private struct Lane {
        let source: DrafterRoster
        var experience = DraftExperience()
    }

    private struct LaneKey: Hashable {
        var method: Int
        var trial: Int
    }

    /// Prompt tokens of a pass.
    private static let piece = 256

    private let target: LoadedTarget
    private let roster: DrafterRoster
    package let methods: [Method]
    private let budget: MethodBudget
    private let ends: Set<Token>
    private var lanes: [LaneKey: Lane] = [:]
    private let clock = ContinuousClock()

    /// - Parameters:
    ///   - roster: has the drafters of all methods.
    ///   - budget: its planner and rule are those of each method.
    ///   - ends: tokens that end a text.
    package init(
        target: LoadedTarget,
        roster: DrafterRoster,
        methods: [Method],
        budget: MethodBudget,
        ends: Set<Token>
    ) {
        self.target = target
        self.roster = roster
        self.methods = methods
        self.budget = budget
        self.ends = ends
    }

    /// Methods forget what they have learned and remember.
    package mutating func forget() { lanes = [:] }

    /// Lets the target generate alone.
    ///
    /// - Throws: ``LaboratoryError``.
    package func plain(_ question: Question) throws -> Outcome {
        var run = try MethodRun(
            [],
            prompt: question.prompt,
            sampling: question.sampling,
            budget: budget,
            ends: ends
        )
        return try live(&run, question, .sampleMatch) { _ in }
    }

    /// Lets a method draft for the target's recorded text, which a rule other than sample-match does not keep to.
    ///
    /// - Parameters:
    ///   - trial: each has a memory of its own, so that none sees a text that it has drafted for.
    ///   - onRound: called after each round.
    /// - Throws: what a drafter or `onRound` throws.
    package mutating func replay(
        _ method: Int,
        trial: Int = 0,
        _ question: Question,
        _ stream: PlainStream,
        onRound: (MethodRound) throws -> Void = { _ in }
    ) throws -> Outcome {
        let key = LaneKey(method: method, trial: trial)
        var lane = try lane(key)
        var outcome = Outcome()
        let start = clock.now
        var run = try makeRun(methods[method], lane, question)
        try stream.replay(&run) { round in
            outcome.figures.record(round)
            try onRound(round)
        }
        outcome.drafting = (clock.now - start).inMilliseconds
        outcome.tokens = run.tokens
        lane.experience = run.experience
        lanes[key] = lane
        return outcome
    }

    /// Lets a method draft for the target.
    ///
    /// - Throws: ``LaboratoryError``, or what a drafter or `onRound` throws.
    package mutating func live(
        _ method: Int,
        trial: Int = 0,
        _ question: Question,
        onRound: (MethodRound) throws -> Void = { _ in }
    ) throws -> Outcome {
        let key = LaneKey(method: method, trial: trial)
        var lane = try lane(key)
        let start = clock.now
        var run = try makeRun(methods[method], lane, question)
        let begun = (clock.now - start).inMilliseconds
        var outcome = try live(&run, question, methods[method].acceptance, onRound: onRound)
        outcome.drafting += begun
        lane.experience = run.experience
        lanes[key] = lane
        return outcome
    }

    private func makeRun(_ method: Method, _ lane: Lane, _ question: Question) throws -> MethodRun {
        var budget = budget
        (budget.planner, budget.acceptance) = (method.planner, method.acceptance)
        return try MethodRun(
            lane.source.makeDrafters(),
            experience: lane.experience,
            prompt: question.prompt,
            sampling: question.sampling,
            budget: budget,
            ends: ends
        )
    }

    private func lane(_ key: LaneKey) throws -> Lane {
        try lanes[key] ?? Lane(source: roster.fresh(methods[key.method].drafters))
    }

    // MARK: The target

    private func live(
        _ run: inout MethodRun,
        _ question: Question,
        _ rule: AcceptanceName,
        onRound: (MethodRound) throws -> Void
    ) throws -> Outcome {
        let request = RequestID(rawValue: 1)
        try open(question, as: request)
        defer { target.engine.close(request) }
        var outcome = Outcome(verifying: 0)
        var verifying = 0.0
        while !run.isOver {
            let start = clock.now
            let tree = try run.propose()
            let proposed = clock.now
            let verdict =
                rule == .sampleMatch ? try verdict(on: tree, request) : try decide(&run, on: tree, request)
            let verified = clock.now
            let round = try run.take(verdict)
            outcome.drafting += (proposed - start + (clock.now - verified)).inMilliseconds
            verifying += (verified - proposed).inMilliseconds
            outcome.figures.record(round)
            try onRound(round)
        }
        outcome.verifying = verifying
        outcome.tokens = run.tokens
        return outcome
    }

    /// Opens a sequence and reads all of its prompt but the last token, which the first round computes.
    private func open(_ question: Question, as request: RequestID) throws {
        let limit = question.prompt.count + budget.tokens + budget.depth
        guard !question.prompt.isEmpty, limit <= target.description.contextLength else {
            throw LaboratoryError.promptLength(
                question.prompt.count,
                context: target.description.contextLength,
                tokens: budget.tokens
            )
        }
        try target.engine.open(
            Pass.Opening(
                request: request,
                base: question.prompt,
                sampling: question.sampling,
                lengthLimit: limit
            )
        )
        var left = question.prompt.count - 1
        while left > 0 {
            let round = Round(request: request, work: .prefill(count: min(left, Self.piece)))
            guard case .prefilled(let count, let reused, _, _) = try run(round), count + reused > 0 else {
                throw LaboratoryError.engine("the engine did not read the prompt")
            }
            left -= count + reused
        }
    }

    private func verdict(on tree: TokenTree, _ request: RequestID) throws -> Verdict {
        guard case .verified(let verdict, _, _, _) = try run(Round(request: request, work: .verify(tree))) else {
            throw LaboratoryError.engine("the engine gave no verdict")
        }
        return verdict
    }

    /// A verdict by a rule that the engine does not know.
    private func decide(_ run: inout MethodRun, on tree: TokenTree, _ request: RequestID) throws -> Verdict {
        guard let engine = target.engine as? TransformerEngine else {
            throw LaboratoryError.engine("it tells no distributions")
        }
        return try engine.verify(tree, of: request) { try run.decide($0) }
    }

    private func run(_ round: Round) throws -> RoundOutcome {
        switch try target.engine.run([round], progress: ComputeProgress()).first {
        case .failed(let reason), .noRoom(let reason): throw LaboratoryError.engine(reason)
        case let outcome?: return outcome
        case nil: throw LaboratoryError.engine("the engine gave no answer")
        }
    }
}

/// Why methods cannot be compared.
package enum LaboratoryError: Error, Equatable, CustomStringConvertible {
    case promptLength(Int, context: Int, tokens: Int)
    case engine(String)
    case tokensDiffer(method: String, prompt: Int, position: Int)

    package var description: String {
        switch self {
        case .promptLength(let count, let context, let tokens):
            "a prompt of \(count) tokens and \(tokens) generated ones do not fit the context of \(context); "
                + "give 1 token or more, leave the prompt out, or ask for fewer with -n"
        case .engine(let reason):
            "the engine failed: \(reason)"
        case .tokensDiffer(let method, let prompt, let position):
            "with \(method), token \(position + 1) of the text for prompt \(prompt + 1) is not that of plain decoding; "
                + "this is a fault of the program, please report it"
        }
    }
}
