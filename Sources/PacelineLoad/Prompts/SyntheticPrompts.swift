import PacelineSpeculation

/// Prompts of a stated length, made of words that are one token each. No two are the same, so that no cache helps.
package struct SyntheticPrompts: Sendable, Hashable {
    /// Words that are a single token in most vocabularies; which are is asked of the server.
    package static let candidates = """
        able about above across after again against air all almost along also always among animal answer any area \
        around ask back base before began begin behind being best better between big bird black blue body book both \
        box boy bring built busy call came can car carry case center certain change check children city class clear \
        close cold color come common complete could country course cover cross cut dark day deep did differ do dog \
        door down draw drive dry during each early earth east eat end enough even ever every example eye face fact \
        family far farm fast father feel feet few field figure final find fire first fish five fly follow food force
        """.split { $0 == " " || $0 == "\n" }.map(String.init)

    /// Words that are one token at the start of a text, and after a space.
    private let openers: [String]
    private let words: [String]
    private let tokens: Int
    private let seed: UInt64

    /// - Parameters:
    ///   - openers: words that are one token at the start of a text; at least one.
    ///   - words: words that are one token after a space; at least two.
    ///   - tokens: the length of each prompt, at least 1.
    ///   - seed: chooses the prompts.
    package init(openers: [String], words: [String], tokens: Int, seed: UInt64) {
        precondition(!openers.isEmpty && words.count > 1 && tokens > 0, "words to choose from, and a length")
        self.openers = openers
        self.words = words
        self.tokens = tokens
        self.seed = seed
    }

    /// The prompt of a request.
    package func text(at ordinal: Int) -> String {
        var generator = SplitMix(seed: seed &+ UInt64(truncatingIfNeeded: ordinal) &* 0x9e37_79b9_7f4a_7c15)
        var text = openers[generator.next(below: openers.count)]
        for _ in 1..<max(1, tokens) { text += " " + words[generator.next(below: words.count)] }
        return text
    }
}
