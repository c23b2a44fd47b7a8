import PacelineModel
import PacelineSpeculation

/// What the target is asked, by number.
struct CaptureQuestions {
    /// What to do next for a number.
    enum Step {
        case ask(GenerationBatch.Question)
        /// Its prompt is left out.
        case leaveOut
    }

    private enum Source {
        case prompts([[Token]])
        case own(OwnPrompts)
    }

    private let source: Source
    private let limit: Int
    private let contextLength: Int
    private let ends: Set<Token>
    /// What the sequences are made from, in words.
    let description: String

    /// - Parameters:
    ///   - prompts: all of them.
    ///   - limit: most tokens of an answer.
    ///   - contextLength: most tokens of prompt and answer; longer prompts are left out.
    init(prompts: [[Token]], limit: Int, contextLength: Int, tokenizer: Tokenizer) {
        (source, self.limit, self.contextLength) = (.prompts(prompts), limit, contextLength)
        ends = tokenizer.endOfGeneration
        var hash = FNV1a()
        for tokens in prompts {
            for token in tokens + [.max] { withUnsafeBytes(of: token.littleEndian) { $0.forEach { hash.absorb($0) } } }
        }
        description =
            "\(prompts.count) prompts that hash to \(String(hash.value, radix: 16)), "
            + Self.description(limit: limit, contextLength)
    }

    init(own: OwnPrompts, limit: Int, contextLength: Int, tokenizer: Tokenizer) {
        (source, self.limit, self.contextLength) = (.own(own), limit, contextLength)
        ends = tokenizer.endOfGeneration
        description = "\(own.description), " + Self.description(limit: limit, contextLength)
    }

    private static func description(limit: Int, _ contextLength: Int) -> String {
        "answers of at most \(limit) tokens, \(contextLength) with the prompt"
    }

    /// How many there are; nil for no limit.
    var count: Int? {
        guard case .prompts(let prompts) = source else { return nil }
        return prompts.count
    }

    /// The first step for a number below ``count``.
    func begin(_ number: Int) -> Step {
        switch source {
        case .prompts(let prompts): question(number, prompts[number])
        case .own(let own): .ask(own.question(number, room: contextLength - limit))
        }
    }

    /// The step behind a text that is a prompt.
    ///
    /// - Throws: ``TemplateError``, ``TokenizerError``
    func goOn(behind prompt: GenerationBatch.Answer) throws -> Step {
        guard case .own(let own) = source, let tokens = try own.prompt(from: prompt) else { return .leaveOut }
        return question(prompt.question.number, tokens)
    }

    private func question(_ number: Int, _ prompt: [Token]) -> Step {
        guard !prompt.isEmpty, prompt.count + limit <= contextLength else { return .leaveOut }
        return .ask(GenerationBatch.Question(number: number, prompt: prompt, limit: limit, ends: ends))
    }
}

/// Prompts that the model writes itself: it continues the user's turn of its own template (Magpie, arXiv 2406.08464).
struct OwnPrompts {
    /// Most tokens of a prompt's text. A longer text is cut there.
    private static let limit = 256

    private let tokenizer: Tokenizer
    private let rendering: (String) throws -> ChatPrompt
    private let opening: [Token]
    /// Tokens of a prompt besides its text.
    private let frame: Int
    private let seed: UInt64
    private let format: PromptFormat

    /// - Throws: ``OwnPromptsError`` if there is no user's turn to continue; ``TemplateError``.
    init(_ model: ModelFile, format: PromptFormat, seed: UInt64) throws {
        guard let rendering = try format.rendering(for: model) else { throw OwnPromptsError.noFormat }
        // The template must show a message to tell where it goes; this one is cut off again.
        let whole = try rendering("x")
        guard let opening = whole.beforeLastContent else { throw OwnPromptsError.noMessage }
        let tokenizer = model.tokenizer
        frame = tokenizer.encode(whole).count
        let tokens = tokenizer.encode(opening)
        // A text cannot be continued from nothing.
        guard let first = tokens.isEmpty ? tokenizer.bos.map({ [$0] }) : tokens else { throw OwnPromptsError.noFormat }
        (self.tokenizer, self.rendering, self.opening, self.seed) = (tokenizer, rendering, first, seed)
        self.format = format
    }

    var description: String { "the model's own prompts in the format \(format) with seed \(seed)" }

    /// - Parameter room: most tokens of the whole prompt.
    func question(_ number: Int, room: Int) -> GenerationBatch.Question {
        GenerationBatch.Question(
            number: number,
            prompt: opening,
            sampling: SamplingParameters(temperature: 1, seed: seed &+ UInt64(number)),
            limit: max(1, min(Self.limit, room - frame)),
            // A marker of another turn ends this one too.
            ends: tokenizer.endOfGeneration.union(tokenizer.controlTokens),
            writesPrompt: true
        )
    }

    /// The prompt whose text the model has written; nil if it is empty.
    func prompt(from answer: GenerationBatch.Answer) throws -> [Token]? {
        let ends = answer.question.ends
        let text = String(decoding: try tokenizer.decode(answer.written.filter { !ends.contains($0) }), as: UTF8.self)
        let words = text.trimmingWhitespace
        guard !words.isEmpty else { return nil }
        return tokenizer.encode(try rendering(words))
    }
}

/// A model that cannot write prompts.
enum OwnPromptsError: Error, CustomStringConvertible {
    case noFormat
    case noMessage
    case useless(count: Int)

    var description: String {
        switch self {
        case .noFormat:
            "the model can only write prompts in a chat format; give a --chat-format with markers, or --prompts"
        case .noMessage:
            "the model's chat template does not show the user's message, so the model cannot write one; give --prompts"
        case .useless(let count):
            "\(count) prompts in a row that the model wrote are empty or too long; "
                + "give --prompts, or a larger --context"
        }
    }
}

extension String {
    /// Without white space at its ends.
    fileprivate var trimmingWhitespace: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
