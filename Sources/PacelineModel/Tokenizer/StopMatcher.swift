/// Watches a stream of text for stop strings and holds back what may be the beginning of one.
///
/// The stop string that is complete first ends the text (of several complete at once, the longest), wherever the text was cut into
/// pieces. Each stop string is followed with the automaton of Knuth, Morris and Pratt (1977): constant work per byte.
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
    /// Text that has not gone out because it may begin a stop string.
    private var held: [UInt8] = []
    private var isStopped = false

    /// - Parameter stops: empty strings are ignored.
    package init(_ stops: [String]) {
        automata = stops.filter { !$0.isEmpty }.map(StopAutomaton.init)
    }

    /// Takes the next piece of the text.
    package mutating func append(_ text: String) -> Output {
        guard !isStopped else { return Output(text: "", stop: nil) }
        for byte in text.utf8 {
            held.append(byte)
            if let stop = advance(byte) {
                isStopped = true
                defer { held = [] }
                return Output(text: release(held.count - stop.utf8.count), stop: stop)
            }
        }
        let waiting = automata.lazy.map(\.matched).max() ?? 0
        return Output(text: release(held.count - waiting), stop: nil)
    }

    /// Returns what was held back, since no more text will complete a stop string.
    package mutating func finish() -> String {
        release(held.count)
    }

    /// Feeds one byte to every automaton; the longest stop string that it completes.
    private mutating func advance(_ byte: UInt8) -> String? {
        var longest: String?
        for index in automata.indices where automata[index].advance(byte) {
            let stop = automata[index].text
            if stop.utf8.count > longest?.utf8.count ?? 0 { longest = stop }
        }
        return longest
    }

    /// Takes the first `count` held bytes out. Stop strings begin with whole characters, so what comes out is whole too.
    private mutating func release(_ count: Int) -> String {
        defer { held.removeFirst(count) }
        return String(decoding: held[..<count], as: UTF8.self)
    }
}
