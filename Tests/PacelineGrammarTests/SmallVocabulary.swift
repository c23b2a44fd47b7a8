import PacelineGrammar
import PacelineSpeculation

/// Vocabularies for tests, and walks along their masks.
struct SmallVocabulary {
    static let end: Token = 0

    let bytes: [[UInt8]]
    let trie: VocabularyTrie

    /// Token 0 ends a text.
    init(_ texts: [[UInt8]]) {
        let all = [[]] + texts
        let tokens = all.indices.dropFirst().map { (token: Token($0), bytes: all[$0][...]) }
        bytes = all
        // Real vocabularies have large subtrees, which are skipped where they can be; here, all are.
        trie = VocabularyTrie(tokens, vocabularySize: all.count, endTokens: [Self.end], subtreeSize: 1)
    }

    init(_ texts: [String]) {
        self.init(texts.map { Array($0.utf8) })
    }

    /// Every byte, and pieces of JSON.
    static let json: SmallVocabulary = {
        let pieces = [
            "{\"", "\":", "\": ", "\": \"", "\",", "\", \"", "\"}", "}}", "]}", ", ", ",\n  ", "null", "true", "false",
            "0.", "-1", "12", "é", "日本", "ab", "abc", "\\n", "\\u00", "name", "\"name\"", "[[", "]]", "  ", "\n",
            "2024", "-0", "e1", "😀", "{}", "[]", "\"\"", ":{\"", "[{\"",
            "abcd", "abcde", "abcdef", "abé", "日本a", "日本語", "😀😀", "аб", "абвгде", "x日\"",
        ]
        let cut: [[UInt8]] = [
            [0xc3], [0xa9, 0x22], [0xe6, 0x97], [0xa5, 0x22, 0x7d], [0xf0, 0x9f], [0x61, 0xe6], [0x61, 0xc3, 0x28],
            [0xed, 0xa0, 0x80],
            [0xf0, 0x80, 0x80, 0x80], [0xe0, 0xa0], [0xe0, 0x80],
        ]
        return SmallVocabulary((0...255).map { [UInt8($0)] } + pieces.map { Array($0.utf8) } + cut)
    }()

    /// Tokens that bring a JSON text nearer to its end.
    private static let closers = ["\"", "}", "]", "0", "1", ":", ",", "e", "l", "u", "a", "-"].map { Array($0.utf8) }

    /// A random text of a grammar; nil if it does not end within a number of tokens.
    func walk(_ matcher: GrammarMatcher, limit: Int, _ random: inout SplitMix) -> [UInt8]? {
        var state = matcher.start
        var text: [UInt8] = []
        for step in 0..<limit {
            let mask = matcher.mask(state)
            let legal = mask.tokens
            precondition(!legal.isEmpty, "no token is legal behind \(String(decoding: text, as: UTF8.self))")
            let hurries = step > limit / 4
            if mask.contains(Self.end), hurries || legal.count == 1 || random.next(below: 3) == 0 { return text }
            let others = legal.filter { $0 != Self.end }
            guard !others.isEmpty else { return text }
            var token = others[random.next(below: others.count)]
            if hurries {
                let closing = Self.closers.lazy.compactMap { closer in others.first { bytes[Int($0)] == closer } }.first
                if let closing { token = closing }
            } else if random.next(below: 4) > 0 {
                let printable = others.filter { bytes[Int($0)].allSatisfy { (0x20...0x7e).contains($0) } }
                if !printable.isEmpty { token = printable[random.next(below: printable.count)] }
            }
            guard let next = matcher.advance(state, by: token, bytes: bytes[Int(token)][...]) else {
                preconditionFailure("the mask allows a token that cannot be taken")
            }
            text += bytes[Int(token)]
            state = next
        }
        return nil
    }
}

/// Whether a whole text is in a grammar.
func accepts(_ grammar: Grammar, _ text: String) -> Bool {
    let automaton = GrammarAutomaton(grammar)
    var state = automaton.start
    for byte in text.utf8 { state = automaton.next(state, byte) }
    return automaton.isComplete(state)
}
