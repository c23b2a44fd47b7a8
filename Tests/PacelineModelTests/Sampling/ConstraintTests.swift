import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import Testing

/// Masks in the law of tokens.
@Suite("Constrained sampling")
struct ConstraintTests {
    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = try ModelFile(TinyModel().file()).tokenizer
    }

    @Test("is sampling from a law in which illegal tokens are hopeless")
    func law() throws {
        var random = SplitMix(seed: 3)
        let schema = "{\"properties\": {\"the\": {\"type\": \"string\"}, \"n\": {\"type\": \"number\"}}}"
        let constraint = try Constraint(.jsonSchema(schema), tokenizer: tokenizer)
        for round in 0..<40 {
            let sampling = SamplingParameters(
                temperature: [0, 0.7, 1, 2][round % 4],
                topK: [0, 5, 60][round % 3],
                topP: [1, 0.9][round / 2 % 2],
                minP: [0, 0.1][round / 5 % 2],
                repetitionPenalty: [1, 1.2][round / 3 % 2],
                logitBias: round % 7 == 0 ? [.init(token: 34, bias: 20)] : [],
                seed: UInt64(round)
            )
            let sampler = Sampler(parameters: sampling, vocabularySize: tokenizer.tokenCount)
            let cursor = ConstraintCursor(constraint)
            for position in 0..<20 {
                let logits = FloatMatrix(rows: 2, columns: tokenizer.tokenCount)
                let mask = cursor.mask
                for column in 0..<tokenizer.tokenCount {
                    let logit = Float(random.nextUnit() * 12)
                    logits[0, column] = logit
                    logits[1, column] = mask.contains(Token(column)) ? logit : -1e30
                }
                let recent: ArraySlice<Token> = [34, 97, 34]
                let expected = try sampler.nextToken(logits, row: 1, position: position, recent: recent)
                let token = try sampler.nextToken(
                    logits,
                    row: 0,
                    position: position,
                    recent: recent,
                    constraint: cursor
                )
                try #require(token == expected, "round \(round), position \(position)")
                try #require(mask.contains(token) && cursor.allows(token))
                #expect(cursor.advance(by: token))
            }
        }
    }

    @Test("never allows special tokens, and end tokens at the end only")
    func special() throws {
        let constraint = try Constraint(.regex("[^x]*"), tokenizer: tokenizer)
        let cursor = ConstraintCursor(constraint)
        let control = TinyVocabulary.shared.controlTokens
        #expect(
            control.filter { cursor.mask.contains($0) } == control.filter { tokenizer.endOfGeneration.contains($0) }
        )
        #expect(!cursor.allows(control[1]))
        let open = ConstraintCursor(try Constraint(.regex("[^x]{3,}"), tokenizer: tokenizer))
        #expect(control.allSatisfy { !open.mask.contains($0) && !open.allows($0) })
    }

    @Test("begins behind thoughts, which are free and must end")
    func thoughts() throws {
        let source = GrammarSource.choice(["yes", "no"])
        for beginning in [Constraint.Beginning.afterThoughts, .first] {
            let constraint = try Constraint(source, beginning: beginning, tokenizer: tokenizer)
            let isFree = beginning == .afterThoughts
            for text in ["so <th</think>\n\nyes", "</think>no", "a</</think>\nyes"] {
                #expect(constraint.takes(tokenizer.encode(text, parseSpecial: false)) == isFree)
            }
            #expect(!constraint.takes(tokenizer.encode("x</think>maybe", parseSpecial: false)))
            #expect(constraint.takes(tokenizer.encode("yes")))
        }
        let cursor = ConstraintCursor(try Constraint(source, beginning: .afterThoughts, tokenizer: tokenizer))
        #expect(tokenizer.endOfGeneration.allSatisfy { !cursor.mask.contains($0) })
        for token in tokenizer.encode("hm</think>", parseSpecial: false) { #expect(cursor.advance(by: token)) }
        let legal = cursor.mask.tokens
        #expect(legal.allSatisfy { cursor.allows($0) } && legal.count < 20)
    }
}
