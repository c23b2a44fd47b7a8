import NIOCore
import PacelineChat
import PacelineServer
import PacelineSpeculation

/// What a client has of its answer. Every part is compared with plain decoding as it comes.
struct StreamTranscript {
    /// How a stream differs from what it should be.
    struct Difference: Error {
        var promise = Violation.Promise.identity
        var detail: String
    }

    private struct Choice {
        var tokens = 0
        var text = ""
        var scores = 0
        /// Whether the client has anything of it, if only the prompt that it repeats.
        var hasBegun = false
        var hasPrompt = false
        /// How often it was said who speaks.
        var roles = 0
        var hasEnded = false
    }

    private let oracle: StreamOracle
    private var choices: [Choice]
    private var parser = EventStream.Parser()
    /// What all chunks have in common.
    private var identity: [TemplateValue?]?
    private static let identifying = ["id", "object", "created", "model", "system_fingerprint"]
    /// The model that answers; nil before the first chunk.
    private(set) var dialect: Int?
    private(set) var hasEnded = false
    /// The type of the error that ended the stream.
    private(set) var error: String?
    private var figures = 0
    private var usages = 0
    /// Tokens that were compared.
    private(set) var compared = 0

    init(_ oracle: StreamOracle) {
        self.oracle = oracle
        choices = Array(repeating: Choice(), count: oracle.request.stream.choices)
        guard oracle.request.generated > 0 else { return }
        for place in choices.indices {
            let count = min(oracle.request.generated, oracle.choice(place, dialect: 0).tokens.count)
            let (text, scores) = oracle.beginning(count, choice: place, dialect: 0)
            choices[place] = Choice(tokens: count, text: text, scores: scores, hasBegun: true, hasPrompt: true)
            // Without a token it has not been said who speaks.
            choices[place].roles = wishes.isChat && count > 0 ? 1 : 0
        }
    }

    /// Another gateway is asked to go on behind what the client has.
    mutating func goOn() {
        (parser, identity, dialect, hasEnded, error) = (EventStream.Parser(), nil, nil, false, nil)
        (figures, usages) = (0, 0)
        for place in choices.indices { choices[place].hasEnded = false }
    }

    /// Where to go on: the tokens of each choice, nil for one of which nothing came. Nil for the beginning.
    var resumption: [[Token]?]? {
        guard choices.contains(where: \.hasBegun) else { return nil }
        return choices.enumerated().map { place, choice in
            choice.hasBegun ? Array(oracle.choice(place, dialect: 0).tokens.prefix(choice.tokens)) : nil
        }
    }

    private var wishes: Scenario.StreamWishes { oracle.request.stream }

    // MARK: Reading

    /// Takes an answer in one piece.
    mutating func take(whole bytes: ByteBuffer) throws {
        let text = String(buffer: bytes)
        guard case .mapping(let answer)? = try? JSONReader.read(text) else {
            throw Difference(promise: .stream, detail: "an answer that is no JSON object: \(text)")
        }
        try take(answer)
        hasEnded = true
    }

    mutating func take(_ bytes: ByteBuffer) throws {
        for event in try parser.append(bytes.readableBytesView) {
            guard !hasEnded else { throw Difference(promise: .stream, detail: "something behind the end") }
            guard event != EventStream.done else {
                hasEnded = true
                continue
            }
            let text = String(decoding: event, as: UTF8.self)
            guard case .mapping(let chunk)? = try? JSONReader.read(text) else {
                throw Difference(promise: .stream, detail: "an event that is no JSON object: \(text)")
            }
            try take(chunk)
        }
    }

    private mutating func take(_ chunk: TemplateMapping) throws {
        if case .mapping(let detail)? = chunk["error"] {
            error = detail["type"]?.string ?? ""
            return
        }
        try identify(chunk)
        if case .mapping(let usage)? = chunk["usage"] { try take(usage: usage) }
        if let seed = chunk["seed"] {
            figures += 1
            guard seed.digits == "\(oracle.request.seed)" else { throw Difference(detail: "another seed: \(seed)") }
        }
        guard case .list(let entries)? = chunk["choices"] else { return }
        for case .mapping(let entry) in entries.values {
            if wishes.isChat { try take(prompt: chunk, entry["index"]) }
            try take(choice: entry)
        }
    }

    private mutating func identify(_ chunk: TemplateMapping) throws {
        let own = Self.identifying.map { chunk[$0] }
        if identity == nil {
            identity = own
            let fingerprint = chunk["system_fingerprint"]?.string
            dialect = (try MockVocabulary.models.get()).firstIndex { $0.fingerprint == fingerprint }
        }
        guard own == identity, dialect != nil else {
            let names = [own, identity ?? []].map { $0.map { $0?.string ?? $0?.digits ?? "" }.joined(separator: " ") }
            throw Difference(promise: .stream, detail: "a chunk of \(names[0]) in the stream of \(names[1])")
        }
    }

    private mutating func take(usage: TemplateMapping) throws {
        usages += 1
        let all = choices.indices.map { oracle.choice($0, dialect: dialect ?? 0).tokens.count }.reduce(0, +)
        let counts = (usage["prompt_tokens"]?.digits ?? "", usage["completion_tokens"]?.digits ?? "")
        guard counts != ("\(oracle.request.prompt.count)", "\(all)") else { return }
        throw Difference(detail: "counts of \(counts.0) and \(counts.1) tokens")
    }

    private mutating func take(choice entry: TemplateMapping) throws {
        guard let place = entry["index"]?.digits.flatMap({ Int($0) }), choices.indices.contains(place) else {
            throw Difference(promise: .stream, detail: "a choice that was not asked for")
        }
        guard !choices[place].hasEnded else {
            throw Difference(promise: .stream, detail: "more of choice \(place) behind its end")
        }
        let due = oracle.choice(place, dialect: dialect ?? 0)
        choices[place].hasBegun = true
        if !wishes.isChat { try take(prompt: entry, entry["index"]) }
        try take(tokens: entry, of: due, place)
        try take(scores: entry, of: due, place)
        choices[place].text += try text(of: entry, place)
        guard due.text.begins(with: choices[place].text) else {
            throw Difference(detail: "text that differs from plain decoding's in choice \(place)")
        }
        if let reason = entry["finish_reason"]?.string { try end(place, reason, due) }
    }

    /// A part's text. In chat it is said once who speaks, before anything else.
    private mutating func text(of entry: TemplateMapping, _ place: Int) throws -> String {
        guard wishes.isChat else { return entry["text"]?.string ?? "" }
        guard case .mapping(let part)? = entry[wishes.isStreamed ? "delta" : "message"] else {
            throw Difference(promise: .stream, detail: "a part of a chat that is none")
        }
        if let role = part["role"]?.string {
            choices[place].roles += 1
            guard role == "assistant" else { throw Difference(promise: .stream, detail: "words of \(role)") }
        }
        guard choices[place].roles == 1 || !wishes.isStreamed else {
            throw Difference(promise: .stream, detail: "\(choices[place].roles) roles in choice \(place)")
        }
        return part["content"]?.string ?? ""
    }

    /// The prompt's tokens stand beside the first part of each choice, or once for all of a chat.
    private mutating func take(prompt part: TemplateMapping, _ index: TemplateValue?) throws {
        guard case .list(let prompt)? = part["prompt_token_ids"] else { return }
        guard let place = index?.digits.flatMap({ Int($0) }), choices.indices.contains(place) else { return }
        let isNew = wishes.isChat ? choices.allSatisfy { !$0.hasPrompt } : !choices[place].hasPrompt
        // An answer in one piece has it in any case, and all choices of a chat have the same one.
        let isDue = wishes.showsTokens && (isNew || !wishes.isStreamed)
        choices[place].hasPrompt = true
        guard isDue, prompt.values.map(\.token) == oracle.request.prompt else {
            throw Difference(detail: "another prompt, or one that is not due")
        }
    }

    private mutating func take(tokens entry: TemplateMapping, of due: StreamOracle.Choice, _ place: Int) throws {
        guard case .list(let tokens)? = entry["token_ids"] else { return }
        guard wishes.showsTokens else {
            throw Difference(promise: .stream, detail: "token ids that were not asked for")
        }
        for value in tokens.values {
            let position = choices[place].tokens
            guard position < due.tokens.count, value.token == due.tokens[position] else {
                let right = position < due.tokens.count ? "\(due.tokens[position])" : "the end"
                let wrong = value.digits ?? ""
                throw Difference(detail: "token \(wrong) at position \(position) of choice \(place), not \(right)")
            }
            choices[place].tokens += 1
            compared += 1
        }
    }

    private mutating func take(scores entry: TemplateMapping, of due: StreamOracle.Choice, _ place: Int) throws {
        guard case .mapping(let lists)? = entry["logprobs"] else { return }
        guard case .list(let list)? = lists[wishes.isChat ? "content" : "token_logprobs"] else { return }
        for entry in list.values {
            var value = entry
            if case .mapping(let score) = entry { value = score["logprob"] ?? .none }
            let position = choices[place].scores
            guard position < due.scores.count, value.real == due.scores[position] else {
                throw Difference(detail: "another log-probability at \(position) of choice \(place)")
            }
            choices[place].scores += 1
        }
    }

    private mutating func end(_ place: Int, _ reason: String, _ due: StreamOracle.Choice) throws {
        choices[place].hasEnded = true
        let choice = choices[place]
        if !wishes.showsTokens { compared += due.tokens.count }
        guard reason == due.reason else { throw Difference(detail: "the end \(reason), not \(due.reason)") }
        let isWhole = !wishes.showsTokens || choice.tokens == due.tokens.count
        guard isWhole, choice.text.utf8.elementsEqual(due.text.utf8), choice.scores == due.scores.count else {
            let text = "\(choice.text.utf8.count) of \(due.text.utf8.count) bytes"
            let rest = "\(choice.tokens) of \(due.tokens.count) tokens and \(choice.scores) log-probabilities"
            throw Difference(detail: "\(text), \(rest) at the end of choice \(place)")
        }
    }

    // MARK: The end

    /// A stream that is over has everything that was asked for, unless it ended with an error.
    func checkEnd() throws {
        guard hasEnded else { throw Difference(promise: .stream, detail: "no mark of the end") }
        guard error == nil else { return }
        guard choices.allSatisfy(\.hasEnded) else { throw Difference(detail: "the end before that of all choices") }
        guard figures == 1, usages == (wishes.showsUsage || !wishes.isStreamed ? 1 : 0) else {
            throw Difference(promise: .stream, detail: "\(figures) sets of figures and \(usages) of token counts")
        }
    }
}

extension String {
    /// Compares bytes in their places, since a text is compared each time that a part of it has come.
    fileprivate func begins(with part: String) -> Bool {
        let begins = utf8.withContiguousStorageIfAvailable { whole in
            part.utf8.withContiguousStorageIfAvailable { whole.starts(with: $0) }
        }
        return (begins ?? nil) ?? utf8.starts(with: part.utf8)
    }
}

extension TemplateValue {
    fileprivate var string: String? {
        if case .text(let text) = self { text.string } else { nil }
    }

    /// A whole number, as it is written.
    fileprivate var digits: String? {
        switch self {
        case .int(let number): "\(number)"
        case .numeral(let digits): digits
        default: nil
        }
    }

    fileprivate var token: Token? { digits.flatMap { Token($0) } }

    fileprivate var real: Float? {
        switch self {
        case .int(let number): Float(number)
        case .float(let number): Float(number)
        default: nil
        }
    }
}
