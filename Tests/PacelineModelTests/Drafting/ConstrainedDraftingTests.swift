import PacelineGrammar
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineModel

/// Drafters that know what the text must be.
@Suite("Drafting for a constraint")
struct ConstrainedDraftingTests {
    private static let prompt: [Token] = [5, 9, 40, 7]
    private static let sources: [GrammarSource] = [
        .jsonSchema("{\"properties\": {\"the\": {\"type\": \"string\"}, \"n\": {\"type\": \"number\"}}}"),
        .regex("(the|there| way){3,5}[a-f]{0,9}"), .choice(["people", "people could", "number"]),
    ]
    private static let samplings: [SamplingParameters] = [
        .greedy, SamplingParameters(temperature: 1, seed: 3), SamplingParameters(temperature: 0.9, topP: 0.9, seed: 4),
        SamplingParameters(temperature: 1.2, topK: 20, repetitionPenalty: 1.2, seed: 5),
    ]

    private let transformer: Transformer
    private let tokenizer: Tokenizer

    init() throws {
        transformer = try TinyModel().transformer(threads: 1)
        tokenizer = try TinyModel().tokenizer()
    }

    private func drafter(_ compiler: ConstraintCompiler?) -> ModelDrafter {
        let pool = KVPagePool(shape: transformer.cacheShape, slots: 4_096)
        return ModelDrafter(transformer: transformer, pool: pool, compiler: compiler)
    }

    private func draft(_ source: GrammarSource, _ beginning: Constraint.Beginning = .first) throws -> DraftConstraint {
        try Constraint(source, beginning: beginning, tokenizer: tokenizer).draft(promptLength: Self.prompt.count)
    }

    /// A text as a drafter that knows the constraint drafts it, and what to compare it with.
    private struct DraftedText {
        let constraint: Constraint
        let knowing: ModelDrafter
        /// It knows no constraint.
        let free: ModelDrafter
        let sampling: SamplingParameters
        var generated: [Token] = []
        var tree = TokenTree()

        private var ends: Set<Token> { constraint.tokenizer.endOfGeneration }

        /// Expands some leaves, and compares what is proposed with all that the model would propose.
        mutating func grow(_ random: inout SplitMix) throws {
            let leaves = tree.indices.filter { !tree.children(of: $0).contains { _ in true } }
            let nodes: [NodeIndex?] = tree.isEmpty ? [nil] : leaves.shuffled(using: &random).prefix(3).map { $0 }
            let proposals = try knowing.expand(tree, at: nodes, width: 3)
            for (node, candidates) in zip(nodes, proposals) {
                try check(candidates, behind: generated + tree.tokens(onPathTo: node))
                for candidate in candidates where tree.depth(of: node) < 5 {
                    _ = try tree.append(
                        .init(parent: node, token: candidate.token, logProbability: candidate.logProbability)
                    )
                }
            }
        }

        private func check(_ candidates: [Candidate], behind path: [Token]) throws {
            let cursor = ConstraintCursor(constraint)
            #expect(path.allSatisfy { cursor.advance(by: $0) })
            #expect(candidates.allSatisfy { cursor.allows($0.token) })
            guard !path.contains(where: ends.contains) else { return }
            #expect(!candidates.isEmpty)
            guard sampling.topK == 0, sampling.topP == 1 else { return }
            try free.begin(base: ConstrainedDraftingTests.prompt + path, sampling: sampling)
            let all = try free.expand(TokenTree(), at: [nil], width: constraint.tokenizer.tokenCount)[0]
            let best = all.map(\.token).filter { cursor.allows($0) }.prefix(3)
            #expect(candidates.map(\.token) == Array(best))
        }

        /// Commits the first child of the base, unless the text would end.
        mutating func commit() throws {
            guard let child = tree.children(of: nil).first(where: { _ in true }) else { return }
            let token = tree.token(of: child)
            guard !ends.contains(token) else { return }
            let rerooting = tree.reroot(after: [token])
            generated.append(token)
            try knowing.advance(rerooting)
            tree = rerooting.tree
        }
    }

    @Test("a model's candidates are its best legal tokens at every node, also after re-rooting", arguments: 0..<3)
    func legality(index: Int) throws {
        let constraint = try Constraint(Self.sources[index], tokenizer: tokenizer)
        let compiler = ConstraintCompiler(tokenizer)
        var random = SplitMix(seed: UInt64(index))
        for sampling in Self.samplings {
            var text = DraftedText(
                constraint: constraint,
                knowing: drafter(compiler),
                free: drafter(nil),
                sampling: sampling
            )
            try text.knowing.begin(
                base: Self.prompt,
                sampling: sampling,
                constraint: constraint.draft(promptLength: Self.prompt.count)
            )
            for _ in 0..<8 {
                try text.grow(&random)
                if Int.random(in: 0..<3, using: &random) == 0 { try text.commit() }
            }
        }
    }

    @Test("thoughts are free, and what is behind them is legal")
    func thoughts() throws {
        let compiler = ConstraintCompiler(tokenizer)
        let knowing = drafter(compiler)
        let thoughts = tokenizer.encode("so it was</think>", parseSpecial: false)
        let constraint = try draft(.choice(["yes", "no"]), .afterThoughts)
        try knowing.begin(base: Self.prompt + thoughts.dropLast(), sampling: .greedy, constraint: constraint)
        let inside = try knowing.expand(TokenTree(), at: [nil], width: 8)[0]
        #expect(inside.count == 8 && inside.allSatisfy { !tokenizer.endOfGeneration.contains($0.token) })
        try knowing.begin(base: Self.prompt + thoughts, sampling: .greedy, constraint: constraint)
        let behind = try knowing.expand(TokenTree(), at: [nil], width: 40)[0]
        let first = Set(behind.map { String(decoding: tokenizer.vocabulary.bytes(of: $0.token), as: UTF8.self).first })
        #expect(!behind.isEmpty && first.isSubset(of: ["y", "n", "\n"]))
    }

    @Test("a base that is not legal, or ends in its prompt, is gone on with as if there were no constraint")
    func lost() throws {
        let (knowing, free) = (drafter(ConstraintCompiler(tokenizer)), drafter(nil))
        let illegal = Self.prompt + tokenizer.encode("number")
        let beginning = Array(Self.prompt.prefix(2))
        for (base, source) in [(illegal, GrammarSource.choice(["people"])), (beginning, .text("x"))] {
            try knowing.begin(base: base, sampling: .greedy, constraint: draft(source))
            try free.begin(base: base, sampling: .greedy)
            let proposals = try knowing.expand(TokenTree(), at: [nil], width: 4)
            #expect(try free.expand(TokenTree(), at: [nil], width: 4) == proposals)
        }
    }

    @Test(
        "a constraint that cannot be compiled is told of once and makes no difference",
        arguments: [
            "", "no JSON", "{\"later\": true}", "{\"gbnf\": \"root ::= other\"}", "{\"json_schema\": \"{\"}",
            String(repeating: "[", count: 60_000), "{\"regex\": \"((a{1000}){1000}\"}",
            String(repeating: "{\"sequence\":[", count: 4000), "{\"json_object\": true, \"text\": \"x\"}",
            "{\"repetition\": {\"part\": {\"text\": \"a\"}, \"minimum\": 3, \"maximum\": 2}}",
        ]
    )
    func hostile(grammar: String) throws {
        var refusals: [GrammarError] = []
        let compiler = ConstraintCompiler(tokenizer) { refusals.append($0) }
        let (knowing, free) = (drafter(compiler), drafter(nil))
        let constraint = DraftConstraint(grammar: grammar, beginning: .first, promptLength: Self.prompt.count)
        for _ in 0..<3 {
            try knowing.begin(base: Self.prompt, sampling: .greedy, constraint: constraint)
            try free.begin(base: Self.prompt, sampling: .greedy)
            let proposals = try knowing.expand(TokenTree(), at: [nil], width: 4)
            #expect(try free.expand(TokenTree(), at: [nil], width: 4) == proposals)
        }
        #expect(refusals.count == 1)
    }

    @Test("another drafter's proposals are left out where they are not legal")
    func filter() throws {
        let text = tokenizer.encode("people")
        var filtered = LegalDrafter(
            FixedDrafter(text: text, other: Token(Character("x").asciiValue ?? 0)),
            ConstraintCompiler(tokenizer)
        )
        #expect(filtered.isModelFree)
        try filtered.begin(base: Self.prompt, sampling: .greedy, constraint: draft(.choice(["people could"])))
        var (tree, generated) = (TokenTree(), 0)
        while generated < text.count {
            let proposals = try filtered.expand(tree, at: [nil], width: 2)[0]
            #expect(proposals.map(\.token) == [text[generated]])
            generated += 1
            try filtered.advance(tree.reroot(after: [text[generated - 1]]))
            tree = TokenTree()
        }
        try filtered.begin(base: Self.prompt, sampling: .greedy, constraint: draft(.choice(["number"])))
        #expect(try filtered.expand(TokenTree(), at: [nil], width: 2) == [[]])
        try filtered.begin(base: Self.prompt, sampling: .greedy, constraint: nil)
        #expect(try filtered.expand(TokenTree(), at: [nil], width: 2)[0].count == 2)
    }
}

/// Drafts one text, with another token beside each of its.
private struct FixedDrafter: Drafter {
    let text: [Token]
    let other: Token
    private var read = 0

    init(text: [Token], other: Token) {
        (self.text, self.other) = (text, other)
    }

    var isModelFree: Bool { true }

    mutating func begin(base: [Token], sampling: SamplingParameters) { read = 0 }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { node in
            let place = read + tree.depth(of: node)
            guard place < text.count else { return [] }
            return [text[place], other].prefix(width).map { Candidate(token: $0, logProbability: -1) }
        }
    }

    mutating func advance(_ rerooting: Rerooting) { read += rerooting.committed.count }
}
