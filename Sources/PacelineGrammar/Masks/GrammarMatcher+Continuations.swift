extension GrammarMatcher {
    /// The bytes that may follow, those together that lead to the same state. No two sets share a byte.
    package func continuations(of state: State) -> [(bytes: ByteSet, state: State)] {
        guard !state.hasEnded else { return [] }
        return automaton.continuations(of: state.state).map { bytes, next in
            (bytes, State(state: next, hasEnded: false, isAtStart: false))
        }
    }
}
