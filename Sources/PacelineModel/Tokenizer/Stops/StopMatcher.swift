package import PacelineSpeculation

/// Watches a stream of text for stop strings and holds back text that may begin one.
///
/// The stop string that is complete first ends the text; of several complete at once, the longest. How the stream was
/// split into pieces does not matter. A special token's name inside a stop string, such as "<|im_end|>", matches both
/// the token and its spelled-out text. The token itself adds no text to the stream. The automaton of Knuth, Morris and
/// Pratt (1977) follows each stop string with constant amortised work per byte.
package struct StopMatcher: Sendable {
    /// The result of one piece of the stream.
    package struct Output: Sendable, Equatable {
        /// Text that can be sent; never part of a stop string.
        package var text: String
        /// The stop string that was completed, if any; no text follows it.
        package var stop: String?

        package init(text: String, stop: String? = nil) {
            self.text = text
            self.stop = stop
        }
    }

    private var automata: [StopAutomaton]
    /// Text that was held back because it may begin a stop string.
    private var held: [UInt8] = []
    private var isStopped = false

    /// - Parameters:
    ///   - stops: the stop strings; empty ones are ignored.
    ///   - tokenizer: finds the names of special tokens in stop strings; nil to match text only.
    package init(_ stops: [String], tokenizer: Tokenizer? = nil) {
        let stops = stops.filter { !$0.isEmpty }
        automata = stops.map { StopAutomaton($0) }
        guard let tokenizer else { return }
        for stop in stops {
            let symbols = tokenizer.stopSymbols(stop)
            if symbols.count < stop.utf8.count { automata.append(StopAutomaton(stop, symbols: symbols)) }
        }
    }

    /// Takes the next piece of text.
    ///
    /// - Parameter mayStop: whether a stop string that is complete within this piece counts.
    package mutating func append(_ text: String, mayStop: Bool = true) -> Output {
        take(text.utf8.lazy.map(StopSymbol.byte), mayStop: mayStop)
    }

    /// Takes a special token, which adds no text.
    package mutating func append(special token: Token, mayStop: Bool = true) -> Output {
        take(CollectionOfOne(.special(token)), mayStop: mayStop)
    }

    /// Ends the stream and returns the text that was held back.
    package mutating func finish() -> String {
        release(held.count)
    }

    private mutating func take(_ symbols: some Swift.Sequence<StopSymbol>, mayStop: Bool) -> Output {
        guard !isStopped else { return Output(text: "", stop: nil) }
        for symbol in symbols {
            if case .byte(let byte) = symbol { held.append(byte) }
            if let met = advance(symbol), mayStop {
                isStopped = true
                defer { held = [] }
                return Output(text: release(held.count - met.matchedBytes), stop: met.text)
            }
        }
        let waiting = automata.lazy.map(\.matchedBytes).max() ?? 0
        return Output(text: release(held.count - waiting), stop: nil)
    }

    /// Feeds one symbol to all automata. Returns the longest one that it completes.
    private mutating func advance(_ symbol: StopSymbol) -> StopAutomaton? {
        var longest: StopAutomaton?
        for index in automata.indices where automata[index].advance(symbol) {
            if automata[index].matched > longest?.matched ?? 0 { longest = automata[index] }
        }
        return longest
    }

    /// Removes and returns the first `count` held bytes. Stop strings begin with whole characters, so this splits none.
    private mutating func release(_ count: Int) -> String {
        defer { held.removeFirst(count) }
        return String(decoding: held[..<count], as: UTF8.self)
    }
}
