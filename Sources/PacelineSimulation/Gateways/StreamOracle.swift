import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineSpeculation

/// What plain decoding gives for the choices of a request, by the model that answers it.
final class StreamOracle {
    /// One choice, whole.
    struct Choice {
        let tokens: [Token]
        /// The prompt's text if it was asked for, and that of the tokens.
        let text: String
        /// The log-probabilities of all tokens, and of the prompt's if they were asked for; nil for a token that
        /// nothing comes before. Empty without log-probabilities.
        let scores: [Float?]
        let reason: String
    }

    private struct Key: Hashable {
        var choice: Int
        var dialect: Int
    }

    let request: Scenario.Request
    private var known: [Key: Choice] = [:]

    init(_ request: Scenario.Request) {
        self.request = request
    }

    func choice(_ choice: Int, dialect: Int) -> Choice {
        let key = Key(choice: choice, dialect: dialect)
        if let known = known[key] { return known }
        let made = make(choice, dialect)
        known[key] = made
        return made
    }

    private func make(_ choice: Int, _ dialect: Int) -> Choice {
        let tokens = MockText.plain(
            prompt: request.prompt,
            seed: MockText.seed(request.seed &+ UInt64(choice), dialect: dialect),
            count: request.maximumTokens,
            stops: request.stopTokens,
            minimum: request.minimumTokens
        )
        let isStopped = tokens.last.map(request.stopTokens.contains) ?? false
        return Choice(
            tokens: tokens,
            text: echo + text(of: tokens, isWhole: true),
            scores: scores(tokens),
            reason: isStopped ? "stop" : "length"
        )
    }

    /// What a client has of a choice that some verifier wrote before, up to a number of its tokens.
    func beginning(_ count: Int, choice: Int, dialect: Int) -> (text: String, scores: Int) {
        let tokens = self.choice(choice, dialect: dialect).tokens
        let text = text(of: Array(tokens.prefix(count)), isWhole: count >= tokens.count)
        let scores = request.logProbabilities == nil ? 0 : (request.stream.echoes ? request.prompt.count : 0) + count
        return (echo + text, scores)
    }

    private static var tokenizer: Tokenizer? { try? MockVocabulary.models.get().first?.tokenizer }

    private var echo: String {
        guard request.stream.echoes, let tokenizer = Self.tokenizer else { return "" }
        var detokenizer = IncrementalDetokenizer(tokenizer, beginsText: true)
        return request.prompt.map { (try? detokenizer.append($0)) ?? "" }.joined() + detokenizer.finish()
    }

    private func text(of tokens: [Token], isWhole: Bool) -> String {
        guard let tokenizer = Self.tokenizer else { return "" }
        var (assembler, text) = (CompletionText(tokenizer: tokenizer, stops: []), "")
        for token in tokens {
            guard !request.stopTokens.contains(token) else { return text + assembler.finish(at: token) }
            text += assembler.append(token, mayStop: true).text
        }
        return isWhole ? text + assembler.finish(at: nil) : text
    }

    private func scores(_ tokens: [Token]) -> [Float?] {
        guard request.logProbabilities != nil else { return [] }
        let (echoed, silent) = request.stream.echoes ? (request.prompt, []) : ([], request.prompt)
        var prefix = MockPrefix(silent, isTagged: false)
        return (echoed + tokens).map { token in
            defer { prefix.append(token) }
            return prefix.count == 0 ? nil : prefix.score(token, top: 0).logProbability
        }
    }
}
