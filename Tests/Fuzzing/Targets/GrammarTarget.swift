import PacelineChat
import PacelineGrammar
import PacelineSpeculation

/// Schemas, patterns and grammars. The first byte tells which of them the rest is, or that it is what travels to
/// workers.
struct GrammarTarget: FuzzTarget {
    /// Tokens that are taken of each grammar.
    private static let steps = 24

    private let vocabulary = Vocabulary()

    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first, let text = String(validating: input.dropFirst(), as: UTF8.self) else {
            return false
        }
        do {
            let source = try Self.source(head, text)
            guard try GrammarSource(json: source.json) == source else {
                throw FuzzFinding("another grammar after it was written and read: \(source)")
            }
            try walk(try Grammar(source), isJSON: source.isJSON, seed: FNV1a(input).value)
            return true
        } catch let error as GrammarError {
            guard !error.reason.isEmpty, !"\(error)".contains(where: \.isNewline) else {
                throw FuzzFinding("no reason, or several lines: \(error)")
            }
            return false
        }
    }

    private static func source(_ head: UInt8, _ text: String) throws -> GrammarSource {
        switch head % 4 {
        case 0: .jsonSchema(text)
        case 1: .regex(text)
        case 2: .gbnf(text)
        default: try GrammarSource(json: text)
        }
    }

    /// Takes legal tokens at random; each mask must be what can be taken.
    private func walk(_ grammar: Grammar, isJSON: Bool, seed: UInt64) throws {
        let matcher = GrammarMatcher(grammar, vocabulary.trie)
        var random = SplitMix(seed: seed)
        var (state, taken) = (matcher.start, [Token]())
        for step in 0..<Self.steps {
            let mask = matcher.mask(state)
            for token in vocabulary.all where mask.contains(token) != (advance(matcher, state, token) != nil) {
                throw FuzzFinding("the mask errs about token \(token) behind \(taken)")
            }
            if mask.contains(Vocabulary.end) {
                try check(taken, isJSON: isJSON)
                if step > Self.steps / 2 { break }
            }
            let onward = mask.tokens.filter { $0 != Vocabulary.end }
            guard !onward.isEmpty else { break }
            taken.append(onward[random.next(below: onward.count)])
            guard let next = advance(matcher, state, taken[step]) else { break }
            state = next
        }
        try repeatWalk(of: taken, to: matcher.mask(state), grammar)
    }

    /// What is remembered of other states must change no mask.
    private func repeatWalk(of taken: [Token], to mask: TokenBits, _ grammar: Grammar) throws {
        let matcher = GrammarMatcher(grammar, vocabulary.trie)
        var state = matcher.start
        for token in taken {
            guard let next = advance(matcher, state, token) else {
                throw FuzzFinding("token \(token) is not legal the second time, of \(taken)")
            }
            state = next
        }
        guard matcher.mask(state) == mask else { throw FuzzFinding("another mask behind \(taken) the second time") }
    }

    private func check(_ taken: [Token], isJSON: Bool) throws {
        let text = String(decoding: taken.flatMap { vocabulary.bytes[Int($0)] }, as: UTF8.self)
        guard isJSON else { return }
        do throws(JSONReader.Failure) {
            _ = try JSONReader.read(text)
        } catch {
            throw FuzzFinding("a text of a schema that is no JSON: \(text)")
        }
    }

    private func advance(_ matcher: GrammarMatcher, _ state: GrammarMatcher.State, _ token: Token)
        -> GrammarMatcher.State?
    {
        matcher.advance(state, by: token, bytes: vocabulary.bytes[Int(token)][...])
    }

    func seeds() throws -> [FuzzSeed] {
        let schemas = [
            ##"{"type": "object", "properties": {"a": {"type": "integer", "minimum": -5}, "b": {"$ref": "#"}}}"##,
            ##"{"type": "array", "items": {"enum": ["x", 1.5, null, {"k": []}]}, "minItems": 1, "maxItems": 3}"##,
            ##"{"anyOf": [{"type": "string", "pattern": "^[a-c]+\\d$", "maxLength": 5}, {"const": true}]}"##,
            ##"{"type": "string", "format": "date-time"}"##, ##"{"type": ["number", "null"], "maximum": 2.5e1}"##,
            ##"{"allOf": [{"minLength": 2}, {"type": "string"}], "title": "t"}"##,
            ##"{"prefixItems": [{"type": "boolean"}], "items": false, "type": "array"}"##,
            ##"{"$ref": "#/$defs/n", "$defs": {"n": {"oneOf": [{"type": "null"}, {"type": "object", "properties":"##
                + ##"{"next": {"$ref": "#/$defs/n"}}, "required": ["next"], "additionalProperties": false}]}}}"##,
        ]
        let patterns = [#"^(?:a|[^b-d\w]{2,3})+\u00e9$"#, #"\d{4}-\d{2}"#, "[A-Z].{1,30}[.!]", "(.*a){3}"]
        let grammars = [
            "root ::= [a-z]+ (\"x\" | y){2,3} # c\ny ::= \"\\x41\"\n",
            "root ::= ([^\"] | \"\\\"\\\"\")* \"!\"", "root ::= \"(\" root \")\" | [0-9]?",
        ]
        let parts: [GrammarSource] = [
            .jsonObject, .choice(["yes", "no", "é"]),
            .sequence([.text("<a>"), .repetition(.jsonObject, minimum: 1, maximum: nil), .text("</a>")]),
            .alternatives([.regex("a+"), .repetition(.text("b"), minimum: 0, maximum: 3)]),
        ]
        let all = [(0, schemas), (1, patterns), (2, grammars), (3, parts.map(\.json))] as [(UInt8, [String])]
        return all.flatMap { head, texts in
            texts.enumerated().map { FuzzSeed("\(head)-\($0)", [head] + Array($1.utf8)) }
        }
    }

    /// Token 0 ends a text; the others are every byte, and pieces of JSON.
    private struct Vocabulary {
        static let end: Token = 0
        private static let pieces = [
            "{\"", "\":", "\": ", "\",", "\", \"", "\"}", "}}", "]}", ", ", "null", "true", "0.", "-1", "12", "é", "日本",
            "ab", "abc", "\\n", "[[", "]]", "  ", "2024", "e1", "{}", "[]", "\"\"", "é\"",
        ]

        let bytes: [[UInt8]]
        let trie: VocabularyTrie

        init() {
            let bytes = [[]] + (0...255).map { [UInt8($0)] } + Self.pieces.map { Array($0.utf8) }
            self.bytes = bytes
            let tokens = bytes.indices.dropFirst().map { (token: Token($0), bytes: bytes[$0][...]) }
            // Every subtree is skipped where it can be, as the large ones of real vocabularies are.
            trie = VocabularyTrie(tokens, vocabularySize: bytes.count, endTokens: [Self.end], subtreeSize: 1)
        }

        var all: Range<Token> { 0..<Token(bytes.count) }
    }
}

extension GrammarSource {
    /// Whether all its texts are JSON.
    fileprivate var isJSON: Bool {
        switch self {
        case .jsonObject, .jsonSchema: true
        default: false
        }
    }
}
