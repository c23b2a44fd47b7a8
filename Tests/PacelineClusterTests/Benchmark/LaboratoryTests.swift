import Foundation
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster
@testable import PacelineModel

@Suite("The laboratory")
struct LaboratoryTests {
    private let target: String
    private let drafter: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "laboratory-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        target = folder.appending(path: "target.gguf").path
        drafter = folder.appending(path: "drafter.gguf").path
        try Data(TinyModel().serialised()).write(to: URL(filePath: target))
        try Data(TinyModel().drafter().serialised()).write(to: URL(filePath: drafter))
    }

    private func remove() {
        try? FileManager.default.removeItem(at: URL(filePath: target).deletingLastPathComponent())
    }

    private func laboratory(
        _ methods: [[String]],
        _ planner: PlannerSettings? = nil,
        rules: [AcceptanceName] = [.sampleMatch]
    ) throws -> Laboratory {
        let catalog = ModelCatalog(directory: "")
        let methods = try methods.flatMap { names in
            try rules.map { rule in
                Laboratory.Method(
                    name: names.joined(separator: "+"),
                    drafters: try names.map { try DrafterName($0, catalog: catalog) },
                    planner: planner,
                    acceptance: rule
                )
            }
        }
        return Laboratory(
            target: try .transformer(ModelFile(path: target), threads: 1, contextLength: 512, sequences: 1),
            roster: try DrafterRoster(
                methods.flatMap(\.drafters),
                threads: 1,
                sequences: 1,
                seed: 1,
                progress: ComputeProgress()
            ),
            methods: methods,
            budget: MethodBudget(nodes: 8, depth: 6, width: 2, tokens: 48),
            ends: []
        )
    }

    /// Prompts of the tiny vocabulary, longer than one piece of a prompt.
    private static let prompts: [[Token]] = (0..<3).map(prompt)

    private static func prompt(_ number: Int) -> [Token] {
        (0..<300).map { (place: Int) -> Token in
            let drift: Int = number * (place / 20)
            return Token((place * 7 + drift) % 90 + 10)
        }
    }

    private static let sampling: [SamplingParameters] = [
        .greedy, SamplingParameters(temperature: 0.8, topP: 0.9, seed: 5),
        SamplingParameters(temperature: 1, minP: 0.02, repetitionPenalty: 1.1, frequencyPenalty: 0.1, seed: 6),
    ]

    @Test(
        "drafting for the recorded text gives the figures and rounds of a live run, prompt by prompt",
        arguments: [0, 1, 2]
    )
    func replayIsLive(variant: Int) throws {
        defer { remove() }
        var laboratory = try laboratory([["ngram"], ["suffix", "recycling"], [drafter], [drafter, "phrases", "trie"]])
        let sampling = Self.sampling[variant]
        var accepted = Array(repeating: 0, count: laboratory.methods.count)
        for prompt in Self.prompts {
            let question = Laboratory.Question(prompt: prompt, sampling: sampling)
            let plain = try laboratory.plain(question)
            #expect(plain.figures.passes == 48 && plain.tokens.count == 48)
            for method in laboratory.methods.indices {
                var (live, replayed): ([MethodRound], [MethodRound]) = ([], [])
                // Each trial has its own memory, so both have seen the same.
                let real = try laboratory.live(method, trial: 0, question) { live.append($0) }
                let recorded = try laboratory.replay(method, trial: 1, question, PlainStream(plain.tokens)) {
                    replayed.append($0)
                }
                #expect(real.tokens == plain.tokens && recorded.tokens == plain.tokens)
                #expect(real.figures == recorded.figures)
                #expect(live.map(\.tree) == replayed.map(\.tree) && live.map(\.tokens) == replayed.map(\.tokens))
                #expect(real.verifying ?? 0 > 0 && recorded.verifying == nil)
                accepted[method] += real.figures.accepted
            }
        }
        // Without drafts the comparison would say nothing.
        #expect(accepted[2] > 20 && accepted[3] > 20, "\(accepted)")
        #expect(variant != 0 || accepted.allSatisfy { $0 > 0 }, "\(accepted)")
    }

    @Test("whatever planner shapes the trees, a live run emits plain decoding's tokens", arguments: [0, 1])
    func planners(variant: Int) throws {
        defer { remove() }
        let question = Laboratory.Question(prompt: Self.prompts[0], sampling: Self.sampling[variant])
        var plain: [Token] = []
        for name in PlannerIdentityTests.planners {
            var laboratory = try laboratory([[drafter]], try PlannerSettings(name))
            if plain.isEmpty { plain = try laboratory.plain(question).tokens }
            let outcome = try laboratory.live(0, question)
            #expect(outcome.tokens == plain && plain.count == 48, "\(name)")
            #expect(outcome.figures.drafted > 0, "\(name) had nothing verified")
        }
    }

    @Test("at temperature 0 every acceptance rule gives plain decoding's text", arguments: [true, false])
    func greedyRules(hasModel: Bool) throws {
        defer { remove() }
        let drafters = hasModel ? [drafter] : ["suffix", "ngram"]
        var laboratory = try laboratory([drafters], rules: AcceptanceName.allCases)
        let questions = Self.prompts.map { Laboratory.Question(prompt: $0, sampling: .greedy) }
        let texts = try questions.map { try laboratory.plain($0).tokens }
        for method in laboratory.methods.indices where laboratory.methods[method].objection == nil {
            var accepted = 0
            for (question, plain) in zip(questions, texts) {
                let outcome = try laboratory.live(method, question)
                #expect(outcome.tokens == plain && plain.count == 48, "\(laboratory.methods[method])")
                accepted += outcome.figures.accepted
            }
            // Without accepted drafts the comparison would say nothing.
            #expect(accepted > 0, "\(laboratory.methods[method])")
        }
    }

    @Test("above temperature 0 the text of a p/q rule is another one, and always the same", arguments: [1, 2])
    func rules(variant: Int) throws {
        defer { remove() }
        var laboratory = try laboratory([[drafter]], rules: AcceptanceName.allCases)
        let question = Laboratory.Question(prompt: Self.prompts[0], sampling: Self.sampling[variant])
        let plain = try laboratory.plain(question).tokens
        for method in laboratory.methods.indices {
            let outcome = try laboratory.live(method, trial: 0, question)
            let again = try laboratory.live(method, trial: 1, question)
            #expect(outcome.tokens == again.tokens && outcome.figures == again.figures)
            #expect(outcome.tokens.count == 48 && outcome.figures.accepted > 0)
            if laboratory.methods[method].keepsText { #expect(outcome.tokens == plain) }
            if laboratory.methods[method].acceptance.guarantee == .law { #expect(outcome.tokens != plain) }
        }
    }

    @Test(
        "a target that drafts for itself is accepted whole: both tell the same distribution, bit for bit",
        arguments: [0, 1, 2]
    )
    func itself(variant: Int) throws {
        defer { remove() }
        let rules: [AcceptanceName] = [.leviathan, .block, .specInfer, .recursive, .traversal]
        var laboratory = try laboratory([[target]], try PlannerSettings("chain:length=5"), rules: rules)
        let question = Laboratory.Question(prompt: Self.prompts[1], sampling: Self.sampling[variant])
        for method in laboratory.methods.indices {
            let figures = try laboratory.live(method, question).figures
            // 48 tokens in rounds of six.
            #expect(figures.passes == 8 && figures.drafted == 40 && figures.accepted == 40, "\(rules[method])")
        }
    }

    @Test("what a method remembers serves the next prompt, until it is told to forget")
    func memory() throws {
        defer { remove() }
        var laboratory = try laboratory([["suffix"]])
        let question = Laboratory.Question(prompt: Self.prompts[0], sampling: SamplingParameters(seed: 3))
        let stream = PlainStream(try laboratory.plain(question).tokens)
        let first = try laboratory.replay(0, question, stream).figures
        let second = try laboratory.replay(0, question, stream).figures
        // It has seen the whole text once.
        #expect(second.accepted > first.accepted && second.passes < first.passes)
        laboratory.forget()
        #expect(try laboratory.replay(0, question, stream).figures == first)
    }

    @Test("a prompt that does not fit is refused with the limit")
    func tooLong() throws {
        defer { remove() }
        let laboratory = try laboratory([["ngram"]])
        let prompt = [Token](repeating: 20, count: 480)
        #expect(throws: LaboratoryError.promptLength(480, context: 512, tokens: 48)) {
            try laboratory.plain(Laboratory.Question(prompt: prompt, sampling: .greedy))
        }
    }
}
