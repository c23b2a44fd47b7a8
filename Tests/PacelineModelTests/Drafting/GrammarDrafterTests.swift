import Foundation
import PacelineGrammar
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineModel

@Suite("Drafting what a grammar forces")
struct GrammarDrafterTests {
    /// The drafter of a request with a constraint.
    private struct Constrained: Drafter {
        var inner: GrammarDrafter
        let constraint: Constraint
        let promptLength: Int

        var isModelFree: Bool { inner.isModelFree }

        mutating func begin(base: [Token], sampling: SamplingParameters) throws {
            try inner.begin(base: base, constraint: constraint, promptLength: promptLength)
        }

        mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
            try inner.expand(tree, at: nodes, width: width)
        }

        mutating func advance(_ rerooting: Rerooting) throws { try inner.advance(rerooting) }
    }

    private static let schema = """
        {"type": "object", "properties": {"products": {"type": "array", "items": {"type": "object", "properties": {\
        "title": {"type": "string"}, "category": {"enum": ["furniture", "clothing", "kitchen"]}, \
        "price_in_euros": {"type": "number"}, "in_stock": {"type": "boolean"}}, \
        "required": ["title", "category", "price_in_euros", "in_stock"], "additionalProperties": false}}}, \
        "required": ["products"], "additionalProperties": false}
        """

    private static let oneLine = """
        {"products": [{"title": "Oak chair", "category": "furniture", "price_in_euros": 89.5, "in_stock": true}, \
        {"title": "Winter coat for tall people", "category": "clothing", "price_in_euros": 120, "in_stock": false}, \
        {"title": "Kettle", "category": "kitchen", "price_in_euros": 35.99, "in_stock": true}]}
        """

    private static var indented: String {
        let records = [
            ("Oak chair", "furniture", "89.5"), ("Winter coat", "clothing", "120"), ("Kettle", "kitchen", "35"),
        ]
        let items = records.map { title, category, price in
            """
                {
                  "title": "\(title)",
                  "category": "\(category)",
                  "price_in_euros": \(price),
                  "in_stock": true
                }
            """
        }
        return "{\n  \"products\": [\n" + items.joined(separator: ",\n") + "\n  ]\n}"
    }

    private static func replay(
        _ text: String,
        _ tokenizer: Tokenizer,
        cut: [Token]? = nil,
        hasGrammar: Bool = true,
        beside others: [any Drafter] = []
    ) throws -> MethodFigures {
        let constraint = try Constraint(.jsonSchema(schema), tokenizer: tokenizer)
        let tokens = cut ?? tokenizer.encode(text, parseSpecial: false)
        try #require(constraint.takes(tokens))
        let prompt = tokenizer.encode("Three products as JSON:")
        let drafter = Constrained(
            inner: GrammarDrafter(ConstraintCompiler(tokenizer)),
            constraint: constraint,
            promptLength: prompt.count
        )
        let budget = MethodBudget(tokens: 1000)
        let drafters = (hasGrammar ? [drafter] : []) + others
        var run = try MethodRun(drafters, prompt: prompt, sampling: .greedy, budget: budget)
        var figures = MethodFigures()
        try PlainStream(tokens).replay(&run) { figures.record($0) }
        #expect(run.tokens == tokens)
        return figures
    }

    @Test("gives two thirds of the tokens of a JSON text and more, however it is laid out")
    func records() throws {
        let tokenizer = try ModelFile(path: ModelCatalog.fromEnvironment().resolve("smollm2-135m")).tokenizer
        for text in [Self.oneLine, Self.indented] {
            let figures = try Self.replay(text, tokenizer)
            #expect(figures.accepted * 3 >= figures.tokens * 2)
            #expect((figures.tokensPerPass ?? 0) > 2.5)
        }
    }

    @Test("learns into which tokens the target cuts a forced text")
    func cuts() throws {
        let tokenizer = try ModelFile(path: ModelCatalog.fromEnvironment().resolve("smollm2-135m")).tokenizer
        let records = ["chair", "coat", "kettle", "lamp", "scarf", "pan", "table", "hat", "cup"].map {
            #"{"title": "\#($0)", "category": "kitchen", "price_in_euros": 35, "in_stock": true}"#
        }
        let text = "{\"products\": [\(records.joined(separator: ", "))]}"
        let letters = text.flatMap { tokenizer.encode(String($0), parseSpecial: false) }
        #expect(letters.count > 2 * tokenizer.encode(text).count)
        let figures = try Self.replay(text, tokenizer, cut: letters)
        // Nothing is accepted of the first record, and most of the others.
        #expect(figures.accepted * 3 >= figures.tokens * 2)
        #expect((figures.tokensPerPass ?? 0) > 3)
    }

    @Test("is with prompt look-up at least as good as each alone, less 2 %")
    func together() throws {
        let tokenizer = try ModelFile(path: ModelCatalog.fromEnvironment().resolve("smollm2-135m")).tokenizer
        for text in [Self.oneLine, Self.indented] {
            let grammar = try #require(try Self.replay(text, tokenizer).tokensPerPass)
            let lookUp = try #require(
                try Self.replay(text, tokenizer, hasGrammar: false, beside: [NGramDrafter()]).tokensPerPass
            )
            let both = try #require(try Self.replay(text, tokenizer, beside: [NGramDrafter()]).tokensPerPass)
            #expect(both >= 0.98 * max(grammar, lookUp))
        }
    }

    @Test("goes along a forced text to its end, sure of each token")
    func chain() throws {
        let tokenizer = try TinyModel().tokenizer()
        let text = "the number of people that can see how this is made"
        let constraint = try Constraint(.choice([text]), tokenizer: tokenizer)
        var drafter = GrammarDrafter(ConstraintCompiler(tokenizer))
        try drafter.begin(base: [1], constraint: constraint, promptLength: 1)
        var tree = TokenTree(limits: TreeLimits(nodes: 100, depth: 100))
        while true {
            let candidates = try drafter.expand(tree, at: [tree.isEmpty ? nil : tree.count - 1], width: 4)[0]
            guard let next = candidates.first else { break }
            #expect(candidates.count == 1 && next.logProbability > -0.01)
            try tree.append(.init(parent: tree.isEmpty ? nil : tree.count - 1, token: next.token, logProbability: 0))
        }
        #expect(tree.map(\.token) == tokenizer.encode(text))
    }

    @Test("proposes the words of a small choice with equal probabilities, and those that were chosen before with more")
    func choice() throws {
        let tokenizer = try TinyModel().tokenizer()
        let source = GrammarSource.regex("(is true|is false|is none)(, is (true|false|none))*")
        let constraint = try Constraint(source, tokenizer: tokenizer)
        var drafter = GrammarDrafter(ConstraintCompiler(tokenizer))
        try drafter.begin(base: [1], constraint: constraint, promptLength: 1)
        func words(behind text: String) throws -> [String: Float] {
            var tree = TokenTree()
            for token in tokenizer.encode(text) {
                let parent = tree.isEmpty ? nil : tree.count - 1
                try tree.append(.init(parent: parent, token: token, logProbability: 0))
            }
            let candidates = try drafter.expand(tree, at: [tree.count - 1], width: 8)[0]
            return Dictionary(
                uniqueKeysWithValues: try candidates.map {
                    (String(decoding: try tokenizer.bytes(of: $0.token), as: UTF8.self), exp($0.logProbability))
                }
            )
        }
        let first = try words(behind: "is")
        #expect(Set(first.keys) == [" true", " false", " none"])
        for share in first.values { #expect(abs(share - 1 / 3) < 0.01) }
        let said = tokenizer.encode("is false")
        try drafter.advance(Rerooting(committed: said, path: [], kept: [], tree: TokenTree()))
        let second = try words(behind: ", is")
        #expect((second[" false"] ?? 0) > 0.5 && second.count == 3)
    }

    @Test("proposes distinct legal tokens only, whatever the text")
    func legality() throws {
        let tokenizer = try TinyModel().tokenizer()
        let sources: [GrammarSource] = [
            .jsonSchema(Self.schema), .regex("[0-9]{1,3}(é|ü|ö|中文|🙂)*x?"),
            .choice(["people", "people could", "number"]),
            .gbnf("root ::= \"(\" (root | [a-z]{1,3}) \")\""), .jsonSchema("{}"),
        ]
        for (seed, source) in sources.enumerated() {
            let constraint = try Constraint(source, tokenizer: tokenizer)
            var random = SplitMix(seed: UInt64(seed))
            let cursor = ConstraintCursor(constraint)
            var drafter = GrammarDrafter(ConstraintCompiler(tokenizer))
            try drafter.begin(base: [1, 2], constraint: constraint, promptLength: 2)
            var proposed = 0
            for _ in 0..<120 {
                let candidates = try drafter.expand(TokenTree(), at: [nil], width: 6)[0]
                #expect(candidates.count <= 6 && Set(candidates.map(\.token)).count == candidates.count)
                for candidate in candidates {
                    #expect(cursor.allows(candidate.token))
                    #expect(candidate.logProbability.isFinite && candidate.logProbability <= 0)
                }
                proposed += candidates.count
                let legal = cursor.mask.tokens
                let next = candidates.randomElement(using: &random)?.token
                let token = random.next(below: 3) == 0 ? legal[random.next(below: legal.count)] : next ?? legal[0]
                _ = cursor.advance(by: token)
                try drafter.advance(Rerooting(committed: [token], path: [], kept: [], tree: TokenTree()))
                guard !tokenizer.endOfGeneration.contains(token) else { break }
            }
            #expect(proposed > 0)
        }
    }

    @Test("proposes nothing without a grammar, before the prompt is over, and in thoughts")
    func silence() throws {
        let tokenizer = try TinyModel().tokenizer()
        var drafter = GrammarDrafter(ConstraintCompiler(tokenizer))
        try drafter.begin(base: [1, 2, 3], sampling: .greedy)
        #expect(try drafter.expand(TokenTree(), at: [nil], width: 4) == [[]])
        let text = "the number"
        let free = try Constraint(.choice([text]), tokenizer: tokenizer)
        try drafter.begin(base: [1, 2], constraint: free, promptLength: 4)
        #expect(try drafter.expand(TokenTree(), at: [nil], width: 4) == [[]])
        try drafter.advance(Rerooting(committed: [3, 4], path: [], kept: [], tree: TokenTree()))
        #expect(try drafter.expand(TokenTree(), at: [nil], width: 4)[0].map(\.token) == [tokenizer.encode(text)[0]])
        let thinking = try Constraint(.choice([text]), beginning: .afterThoughts, tokenizer: tokenizer)
        try drafter.begin(base: [1], constraint: thinking, promptLength: 1)
        #expect(try drafter.expand(TokenTree(), at: [nil], width: 4) == [[]])
    }
}
