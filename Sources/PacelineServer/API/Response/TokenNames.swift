import PacelineModel
import PacelineSpeculation

/// How single tokens are named in lists of log-probabilities.
struct TokenNames: Sendable {
    let tokenizer: Tokenizer

    /// The token's bytes. Empty outside the vocabulary, where no token of a target lies.
    func bytes(of token: Token) -> [UInt8] {
        (try? tokenizer.bytes(of: token)).map { Array($0) } ?? []
    }

    /// The token's text. A part of a character is spelled as OpenAI spells it: `bytes:\xe2\x82`.
    func text(of token: Token) -> String {
        let bytes = bytes(of: token)
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return "bytes:" + bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Where each token of a text begins, in Unicode scalars, as Python counts them.
struct TextOffsets: Sendable {
    private var detokenizer: IncrementalDetokenizer
    private var length = 0

    init(_ tokenizer: Tokenizer, beginsText: Bool) {
        detokenizer = IncrementalDetokenizer(tokenizer, beginsText: beginsText)
    }

    /// Takes the next token and returns where it begins.
    mutating func append(_ token: Token) -> Int {
        let start = length
        length += ((try? detokenizer.append(token)) ?? "").unicodeScalars.count
        return start
    }
}

extension JSONValue {
    /// A log-probability. JSON has no infinity; OpenAI writes -9999 for it.
    static func logProbability(_ value: Float) -> JSONValue {
        value.isFinite ? .float(value) : .float(-9999)
    }

    /// The form of chat: an item for each token.
    static func chatLogProbabilities(_ tokens: [TokenLogProbability], names: TokenNames) -> JSONValue {
        func item(_ token: Token, _ value: Float) -> [(name: String, value: JSONValue)] {
            [
                ("token", .string(names.text(of: token))),
                ("logprob", .logProbability(value)),
                ("bytes", .array(names.bytes(of: token).map { .int(Int($0)) })),
            ]
        }
        let items = tokens.map { token in
            let top = token.top.map { JSONValue.object(item($0.token, $0.logProbability)) }
            return JSONValue.object(item(token.token, token.logProbability) + [("top_logprobs", .array(top))])
        }
        return ["content": .array(items), "refusal": .null]
    }
}

/// The form of completions: a list for each property of the tokens.
struct CompletionLogProbabilities: Sendable {
    private var tokens: [JSONValue] = []
    private var values: [JSONValue] = []
    private var top: [JSONValue] = []
    private var offsets: [JSONValue] = []

    var isEmpty: Bool { tokens.isEmpty }

    /// Adds a token that nothing comes before, so that it has no probability.
    mutating func append(first token: Token, names: TokenNames, offset: Int) {
        tokens.append(.string(names.text(of: token)))
        values.append(.null)
        top.append(.null)
        offsets.append(.int(offset))
    }

    mutating func append(_ token: TokenLogProbability, names: TokenNames, offset: Int) {
        let name = names.text(of: token.token)
        tokens.append(.string(name))
        values.append(.logProbability(token.logProbability))
        // The token itself is always in the list. Two tokens of one name are one key, which the likelier one has.
        var listed: [(name: String, value: JSONValue)] = []
        for candidate in token.top {
            let other = names.text(of: candidate.token)
            guard !listed.contains(where: { $0.name == other }) else { continue }
            listed.append((other, .logProbability(candidate.logProbability)))
        }
        if !listed.contains(where: { $0.name == name }) { listed.append((name, .logProbability(token.logProbability))) }
        top.append(.object(listed))
        offsets.append(.int(offset))
    }

    var json: JSONValue {
        [
            "tokens": .array(tokens), "token_logprobs": .array(values), "top_logprobs": .array(top),
            "text_offset": .array(offsets),
        ]
    }
}
