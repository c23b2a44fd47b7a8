/// Past outputs of a worker's sequences as suffix automata, in bounded memory: when the younger automaton takes half of
/// it, the older one is forgotten. Shared by drafters that run on one thread (SuffixDecoding, arXiv 2411.04975).
package final class TextMemory {
    /// Separates texts; not a token of any vocabulary.
    static let separator = Token.max

    private let memory: Int
    /// The older one first.
    private(set) var automata: [SuffixAutomaton]

    /// - Parameters:
    ///   - memory: the most bytes to take, about.
    ///   - longest: the longest context that will be looked up, in tokens.
    package init(memory: Int, longest: Int) {
        self.memory = memory
        automata = [SuffixAutomaton(countedLength: longest + 1)]
    }

    /// About how many bytes are taken.
    package var size: Int { automata.reduce(0) { $0 + $1.size } }

    /// Remembers a text.
    package func add(_ text: some Sequence<Token>) {
        guard memory > 0 else { return }
        for token in text { automata[automata.count - 1].append(token) }
        automata[automata.count - 1].append(Self.separator)
        guard automata[automata.count - 1].size > memory / 2 else { return }
        automata = [automata[automata.count - 1], SuffixAutomaton(countedLength: automata[0].countedLength)]
    }
}
