import PacelineCluster
import PacelineSpeculation

/// Compares methods on prompts, cell by cell, as a ``LaboratoryPlan`` says.
struct MethodComparison {
    /// What is compared, and how.
    struct Setting {
        var prompts: [(category: String, tokens: [Token])]
        var samplings: [SamplingParameters]
        /// Runs of each method on each prompt beside the target; 0 to draft for its recorded text.
        var trials = 0
    }

    private let setting: Setting
    private let labels: [String]
    private var laboratory: Laboratory
    private var resume: ResumeFile
    private let trace: LineFile?

    init(_ setting: Setting, laboratory: Laboratory, resume: ResumeFile, trace: LineFile?) {
        self.setting = setting
        labels = setting.samplings.map(\.label)
        self.laboratory = laboratory
        self.resume = resume
        self.trace = trace
    }

    /// Does what is left to do.
    ///
    /// - Parameter progress: called with the share that is done, 0 … 1, and what comes next.
    /// - Returns: the cells of all methods, prompts and ways of sampling.
    mutating func run(progress: (Double, String) -> Void) throws -> [MethodCell] {
        let (notebook, labels) = (resume.notebook, labels)
        let methods = laboratory.methods
        let plan = LaboratoryPlan(
            categories: setting.prompts.map(\.category),
            samplings: labels.count,
            methods: methods.count,
            isRecorded: { notebook.stream(prompt: $0, sampling: labels[$1]) != nil },
            isDone: { notebook.cell(methods[$0].key(sampling: labels[$2], prompt: $1)) != nil }
        )
        let total = plan.steps.reduce(0) { $0 + weight($1) }
        var done = 0.0
        for step in plan.steps {
            progress(total > 0 ? done / total : 0, describe(step))
            try perform(step)
            done += weight(step)
        }
        return labels.flatMap { label in
            setting.prompts.indices.flatMap { prompt in
                methods.compactMap { resume.notebook.cell($0.key(sampling: label, prompt: prompt)) }
            }
        }
    }

    // MARK: Steps

    private mutating func perform(_ step: LaboratoryPlan.Step) throws {
        switch step {
        case .forget:
            laboratory.forget()
        case .record(let prompt, let sampling):
            let tokens = try laboratory.plain(question(prompt, sampling)).tokens
            let stream = LaboratoryNotebook.Stream(sampling: labels[sampling], prompt: prompt, tokens: tokens)
            try resume.add(LaboratoryNotebook.Record(stream: stream))
        case .follow(let method, let prompt, let sampling):
            let (question, stream) = (question(prompt, sampling), stream(prompt, sampling))
            for trial in 0..<max(1, setting.trials) {
                // A text that is not plain decoding's is not recorded, but always the same.
                _ =
                    laboratory.methods[method].keepsText
                    ? try laboratory.replay(method, trial: trial, question, stream)
                    : try laboratory.live(method, trial: trial, question)
            }
        case .measure(let methods, let prompt, let sampling):
            setting.trials == 0
                ? try replay(methods, prompt, sampling) : try runLive(methods, prompt, sampling)
        }
    }

    private mutating func replay(_ methods: [Int], _ prompt: Int, _ sampling: Int) throws {
        let (question, stream) = (question(prompt, sampling), stream(prompt, sampling))
        for method in methods {
            let key = key(method, prompt, sampling)
            var log = log(key)
            let keepsText = laboratory.methods[method].keepsText
            let outcome =
                keepsText
                ? try laboratory.replay(method, question, stream) { try log.add($0) }
                : try laboratory.live(method, question) { try log.add($0) }
            if keepsText { try check(outcome.tokens, stream, key) }
            let isPlain = outcome.tokens == stream.tokens
            // Without plain decoding beside it, how long the target took says nothing.
            try keep(key, isPlain, outcome.figures, [MethodCell.Trial(drafting: outcome.drafting)])
        }
    }

    /// Runs plain decoding and the methods in turn, each time in another order.
    private mutating func runLive(_ methods: [Int], _ prompt: Int, _ sampling: Int) throws {
        let (question, stream) = (question(prompt, sampling), stream(prompt, sampling))
        var trials: [Int: [MethodCell.Trial]] = [:]
        var results: [Int: Laboratory.Outcome] = [:]
        for trial in 0..<setting.trials {
            let turns: [Int?] = [nil] + methods
            let first = (prompt + trial) % turns.count
            var plain: Double?
            for method in turns[first...] + turns[..<first] {
                guard let method else {
                    let outcome = try laboratory.plain(question)
                    plain = outcome.verifying
                    continue
                }
                let key = key(method, prompt, sampling)
                // Rounds are the same in all trials.
                var log = log(key, isWritten: trial == 0)
                let outcome = try laboratory.live(method, trial: trial, question) { try log.add($0) }
                if laboratory.methods[method].keepsText { try check(outcome.tokens, stream, key) }
                results[method] = outcome
                trials[method, default: []].append(.init(drafting: outcome.drafting, verifying: outcome.verifying))
            }
            for (method, outcome) in results {
                // Another text may be longer or shorter: plain decoding would take as much more or less for it.
                let share = Double(outcome.tokens.count) / Double(max(1, stream.tokens.count))
                trials[method]?[trial].plain = plain.map { $0 * share }
            }
        }
        for method in methods {
            guard let outcome = results[method] else { continue }
            let isPlain = outcome.tokens == stream.tokens
            try keep(key(method, prompt, sampling), isPlain, outcome.figures, trials[method] ?? [])
        }
    }

    private mutating func keep(
        _ key: MethodCell.Key,
        _ isPlain: Bool,
        _ figures: MethodFigures,
        _ trials: [MethodCell.Trial]
    ) throws {
        let category = setting.prompts[key.prompt].category
        let cell = MethodCell(key, category: category, isPlain: isPlain, figures: figures, trials: trials)
        try resume.add(.init(cell: cell))
    }

    private func check(_ tokens: [Token], _ stream: PlainStream, _ key: MethodCell.Key) throws {
        guard tokens != stream.tokens else { return }
        let position = zip(tokens, stream.tokens).prefix { $0 == $1 }.count
        throw LaboratoryError.tokensDiffer(method: key.method, prompt: key.prompt, position: position)
    }

    // MARK: Parts

    private func question(_ prompt: Int, _ sampling: Int) -> Laboratory.Question {
        Laboratory.Question(prompt: setting.prompts[prompt].tokens, sampling: setting.samplings[sampling])
    }

    private func stream(_ prompt: Int, _ sampling: Int) -> PlainStream {
        resume.notebook.stream(prompt: prompt, sampling: labels[sampling]) ?? PlainStream([])
    }

    private func key(_ method: Int, _ prompt: Int, _ sampling: Int) -> MethodCell.Key {
        laboratory.methods[method].key(sampling: labels[sampling], prompt: prompt)
    }

    private func log(_ key: MethodCell.Key, isWritten: Bool = true) -> RoundLog {
        let prompt = setting.prompts[key.prompt]
        return RoundLog(key: key, category: prompt.category, base: prompt.tokens.count, file: isWritten ? trace : nil)
    }

    /// How long a step takes, in runs of a method's drafters, very roughly.
    private func weight(_ step: LaboratoryPlan.Step) -> Double {
        switch step {
        case .forget: 0
        case .record: 4
        case .follow: Double(max(1, setting.trials))
        case .measure(let methods, _, _):
            setting.trials == 0
                ? methods.reduce(0) { $0 + (laboratory.methods[$1].keepsText ? 1 : 8) }
                : Double(4 * setting.trials * (methods.count + 1))
        }
    }

    private func describe(_ step: LaboratoryPlan.Step) -> String {
        switch step {
        case .forget: ""
        case .record(let prompt, _): "plain, \(setting.prompts[prompt].category)"
        case .follow(_, let prompt, _), .measure(_, let prompt, _): setting.prompts[prompt].category
        }
    }
}

extension Laboratory.Method {
    /// What shapes its trees, as a user names it.
    var plannerName: String { planner.map { "\($0)" } ?? PlannerName.bestFirst.rawValue }

    func key(sampling: String, prompt: Int) -> MethodCell.Key {
        .init(
            sampling: sampling,
            prompt: prompt,
            method: name,
            planner: plannerName,
            acceptance: acceptance.rawValue
        )
    }
}

/// Writes the rounds of one cell.
struct RoundLog {
    let key: MethodCell.Key
    let category: String
    /// Tokens that are committed.
    var base: Int
    /// Nil writes nothing.
    let file: LineFile?
    private var round = 0

    init(key: MethodCell.Key, category: String, base: Int, file: LineFile?) {
        self.key = key
        self.category = category
        self.base = base
        self.file = file
    }

    mutating func add(_ result: MethodRound) throws {
        try file?.append(RoundTrace(key, category: category, round: round, base: base, result))
        round += 1
        base += result.tokens.count
    }
}
