import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster

/// Constrained requests at the production engine: whatever is drafted, the tokens are those of plain masked decoding.
@Suite("Constrained sequences of the transformer engine")
struct ConstrainedEngineTests {
    private static let prompt: [Token] = [5, 9, 40, 7]
    private static let schema = """
        {"type": "object", "properties": {"name": {"type": "string", "maxLength": 6}, "n": {"type": "integer"}, \
        "kind": {"enum": ["the", "which", "number"]}, "more": {"type": "array", "items": {"type": "boolean"}, \
        "maxItems": 2}}, "required": ["name", "n", "kind"]}
        """
    private static let sources: [GrammarSource] = [
        .jsonSchema(schema), .regex("(the|there| way){3,5}[a-f]{0,9}"), .choice(["people", "people could", "number"]),
        .gbnf("root ::= \"(\" (root | [a-z]{1,3}) \")\""),
    ]
    private static let samplings: [SamplingParameters] = [
        .greedy, SamplingParameters(temperature: 1, seed: 3),
        SamplingParameters(temperature: 1.5, topK: 40, topP: 0.9, repetitionPenalty: 1.3, seed: 4),
        SamplingParameters(temperature: 2, minP: 0.02, presencePenalty: 1, seed: 5),
    ]

    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = try ModelFile(TinyModel.with(weights: .q4_0).file()).tokenizer
    }

    private func opening(
        _ source: GrammarSource,
        _ sampling: SamplingParameters,
        behind tokens: [Token] = []
    ) throws -> Pass.Opening {
        var opening = Pass.Opening(
            request: RequestID(rawValue: 1),
            base: Self.prompt + tokens,
            sampling: sampling,
            lengthLimit: 512
        )
        opening.constraint = try Constraint(source, tokenizer: tokenizer)
        opening.promptLength = Self.prompt.count
        return opening
    }

    /// The tokens up to the end of the text, or `count` of them.
    private func run(
        _ opening: Pass.Opening,
        at engine: TransformerEngine,
        count: Int = 60,
        trees: (_ tokens: [Token]) throws -> TokenTree = { _ in TokenTree() }
    ) throws -> (tokens: [Token], rounds: Int) {
        try engine.open(opening)
        defer { engine.close(opening.request) }
        var tokens = Array(opening.base.dropFirst(Self.prompt.count))
        var rounds = 0
        while tokens.count < count, !tokens.contains(where: tokenizer.endOfGeneration.contains) {
            let round = Round(request: opening.request, work: .verify(try trees(tokens)))
            rounds += 1
            guard case .verified(let verdict, _, _, _) = try engine.run([round], progress: ComputeProgress())[0] else {
                Issue.record("the round failed")
                break
            }
            tokens += verdict.tokens
        }
        if let end = tokens.firstIndex(where: tokenizer.endOfGeneration.contains) { tokens = Array(tokens[...end]) }
        return (Array(tokens.prefix(count)), rounds)
    }

    /// A chain with a sibling beside every node.
    private static func chain(_ tokens: some Sequence<Token>, beside: Token) throws -> TokenTree {
        var tree = TokenTree()
        var parent: NodeIndex?
        for token in tokens {
            if token != beside { _ = try tree.insert(.init(parent: parent, token: beside, logProbability: -1)) }
            parent = try tree.insert(.init(parent: parent, token: token, logProbability: -1)).index
        }
        return tree
    }

    @Test("have the same tokens with useful, hostile and no drafts, and when they are resumed", arguments: 0..<4)
    func drafts(index: Int) throws {
        let source = Self.sources[index]
        let constraint = try Constraint(source, tokenizer: tokenizer)
        let engine = try TransformerEngineTests.engine(threads: 1)
        for sampling in Self.samplings {
            let opening = try opening(source, sampling)
            let plain = try run(opening, at: engine)
            #expect(constraint.takes(plain.tokens))
            let useful = try run(opening, at: engine) { tokens in
                try Self.chain(plain.tokens.dropFirst(tokens.count).prefix(5), beside: 65)
            }
            #expect(useful.tokens == plain.tokens)
            #expect(useful.rounds * 2 < plain.rounds || plain.rounds < 4)
            var random = SplitMix(seed: UInt64(index))
            let hostile = try run(opening, at: engine) { tokens in
                let wrong = (0..<4).map { _ in Token(random.next(below: tokenizer.tokenCount)) }
                return try Self.chain(plain.tokens.dropFirst(tokens.count).prefix(2) + wrong, beside: wrong[0])
            }
            #expect(hostile.tokens == plain.tokens)
            for cut in Swift.stride(from: 1, to: plain.tokens.count, by: 7) {
                let rest = try self.opening(source, sampling, behind: Array(plain.tokens[..<cut]))
                let resumed = try run(rest, at: engine)
                #expect(resumed.tokens == plain.tokens, "cut at \(cut)")
            }
        }
    }

    @Test("pay no row for nodes that their grammar does not allow, and have the same verdict on the others")
    func illegalNodes() throws {
        for (index, source) in Self.sources.enumerated() {
            let opening = try opening(source, Self.samplings[index])
            let engine = try TransformerEngineTests.engine(threads: 1)
            let plain = try run(opening, at: engine)
            let cursor = ConstraintCursor(try #require(opening.constraint))
            try engine.open(opening)
            let pages = engine.pages().used
            let illegal = (0..<Token(tokenizer.tokenCount)).filter { !cursor.allows($0) }
            // More nodes than a page has slots.
            let hostile = try Self.beside(illegal.prefix(200), below: nil, of: TokenTree())
            let (verdict, dropped) = try verify(hostile, opening.request, at: engine)
            #expect(dropped == 200 && verdict == Verdict(path: [], accepted: [], correction: plain.tokens[0]))
            #expect(engine.pages().used == pages + 1)
            _ = cursor.advance(by: plain.tokens[0])
            // Below the first node of the text, which comes late, there are more of both kinds.
            let late = (0..<Token(tokenizer.tokenCount)).filter { !cursor.allows($0) }
            var mixed = try Self.beside(late.prefix(30), below: nil, of: TokenTree())
            let first = try mixed.append(.init(parent: nil, token: plain.tokens[1], logProbability: -1))
            mixed = try Self.beside(plain.tokens.prefix(4), below: 3, of: mixed)
            let second = try mixed.append(.init(parent: first, token: plain.tokens[2], logProbability: -1))
            let (result, gone) = try verify(mixed, opening.request, at: engine)
            #expect(gone >= 30 && gone < mixed.count - 1)
            #expect(result.path == [first, second])
            #expect(result.tokens == Array(plain.tokens[1...3]))
            engine.close(opening.request)
        }
    }

    private func verify(
        _ tree: TokenTree,
        _ request: RequestID,
        at engine: TransformerEngine
    ) throws -> (Verdict, dropped: Int) {
        let round = Round(request: request, work: .verify(tree))
        let outcome = try #require(try engine.run([round], progress: ComputeProgress()).first)
        guard case .verified(let verdict, _, let dropped, _) = outcome else {
            throw EngineError.unknownSequence(request)
        }
        #expect(outcome.rows(of: round.rows) == round.rows - dropped)
        return (verdict, dropped)
    }

    /// A tree with more children of a node.
    private static func beside(
        _ tokens: some Sequence<Token>,
        below parent: NodeIndex?,
        of tree: TokenTree
    ) throws -> TokenTree {
        var tree = tree
        for token in tokens { _ = try tree.insert(.init(parent: parent, token: token, logProbability: -1)) }
        return tree
    }

    @Test("end with an end token as soon as the grammar is complete, and not before")
    func ends() throws {
        let engine = try TransformerEngineTests.engine(threads: 1)
        for sampling in Self.samplings {
            let opening = try opening(.choice(["people", "people could", "number"]), sampling)
            let (tokens, _) = try run(opening, at: engine)
            let text = String(decoding: try tokenizer.decode(tokens.dropLast()), as: UTF8.self)
            #expect(["people", "people could", "number"].contains(text))
            #expect(tokens.last.map(tokenizer.endOfGeneration.contains) == true)
        }
    }

    @Test("go on behind legal tokens only")
    func resumption() throws {
        let illegal = try opening(.choice(["people"]), .greedy, behind: tokenizer.encode("number"))
        #expect(throws: EngineError.self) { try TransformerEngineTests.engine().open(illegal) }
    }

    @Test("are forced to end where a stop is not allowed yet but nothing else is legal")
    func minimum() throws {
        var opening = try opening(.choice(["people"]), .greedy)
        opening.mask = TokenMask(tokenizer.endOfGeneration, below: 100)
        let (tokens, _) = try run(opening, at: TransformerEngineTests.engine(threads: 1))
        #expect(String(decoding: try tokenizer.decode(tokens.dropLast()), as: UTF8.self) == "people")
    }
}
