package import PacelineSpeculation

/// Watches a stream of text for stop strings and holds back what may be the beginning of one.
///
/// The stop string that is complete first ends the text (of several complete at once, the longest), wherever the text
/// was cut into pieces. The name of a special token in a stop string ("<|im_end|>", also with text around it) stands
/// for that token as well as for its letters, although the token itself puts no text into the stream. Each stop string
/// is followed with the automaton of Knuth, Morris and Pratt (1977): constant work per byte.
package struct StopMatcher: Sendable {
    /// What one piece of text led to.
    package struct Output: Sendable, Equatable {
        /// Text that can go out; never any of a stop string.
        package var text: String
        /// The stop string that was met; nothing comes out after it.
        package var stop: String?

        package init(text: String, stop: String? = nil) {
            self.text = text
            self.stop = stop
        }
    }

    private var automata: [StopAutomaton]
    /// The text that has not gone out because it may begin a stop string.
    private var held: [UInt8] = []
    private var isStopped = false

    /// - Parameters:
    ///   - stops: empty strings are ignored.
    ///   - tokenizer: knows the special tokens that stop strings may name; without one they are text alone.
    package init(_ stops: [String], tokenizer: Tokenizer? = nil) {
        let stops = stops.filter { !$0.isEmpty }
        automata = stops.map { StopAutomaton($0) }
        guard let tokenizer else { return }
        for stop in stops {
            let symbols = tokenizer.stopSymbols(stop)
            if symbols.count < stop.utf8.count { automata.append(StopAutomaton(stop, symbols: symbols)) }
        }
    }

    /// Takes the next piece of the text.
    package mutating func append(_ text: String) -> Output {
        take(text.utf8.lazy.map(StopSymbol.byte))
    }

    /// Takes a special token, which stands for no text.
    package mutating func append(special token: Token) -> Output {
        take(CollectionOfOne(.special(token)))
    }

    /// Returns what was held back, since no more text will complete a stop string.
    package mutating func finish() -> String {
        release(held.count)
    }

    private mutating func take(_ symbols: some Swift.Sequence<StopSymbol>) -> Output {
        guard !isStopped else { return Output(text: "", stop: nil) }
        for symbol in symbols {
            if case .byte(let byte) = symbol { held.append(byte) }
            if let met = advance(symbol) {
                isStopped = true
                defer { held = [] }
                return Output(text: release(held.count - met.matchedBytes), stop: met.text)
            }
        }
        let waiting = automata.lazy.map(\.matchedBytes).max() ?? 0
        return Output(text: release(held.count - waiting), stop: nil)
    }

    /// Feeds one symbol to every automaton; the one of the longest stop string that it completes.
    private mutating func advance(_ symbol: StopSymbol) -> StopAutomaton? {
        var longest: StopAutomaton?
        for index in automata.indices where automata[index].advance(symbol) {
            if automata[index].matched > longest?.matched ?? 0 { longest = automata[index] }
        }
        return longest
    }

    /// Takes the first `count` held bytes out. Stop strings begin with whole characters, so what comes out is whole.
    private mutating func release(_ count: Int) -> String {
        defer { held.removeFirst(count) }
        return String(decoding: held[..<count], as: UTF8.self)
    }
}
