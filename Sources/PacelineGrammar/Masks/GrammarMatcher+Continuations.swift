extension GrammarMatcher {
    /// The bytes that may follow, ascending, each with the state behind it.
    package func continuations(of state: State) -> [(byte: UInt8, state: State)] {
        guard !state.hasEnded else { return [] }
        return (UInt8.min ... .max).compactMap { byte in
            let next = automaton.next(state.state, byte)
            return next == .dead ? nil : (byte, State(state: next, hasEnded: false, isAtStart: false))
        }
    }
}
