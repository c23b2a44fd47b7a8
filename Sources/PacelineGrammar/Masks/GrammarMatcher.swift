package import PacelineSpeculation

/// Follows a text token by token and says which tokens may be next.
///
/// Its state depends on the grammar and the tokens taken, and on nothing else. What it remembers makes it faster and
/// changes no answer. Not safe to use from several threads at once.
package final class GrammarMatcher {
    /// Where a text stands.
    package struct State: Hashable, Sendable {
        var state: GrammarState
        /// An end token was taken; only end tokens may follow.
        var hasEnded = false
        var isAtStart = true
    }

    package let trie: VocabularyTrie
    let automaton: GrammarAutomaton
    private var masks: [GrammarState: TokenBits] = [:]
    private let endMask: TokenBits
    /// Tokens that may not begin a text, because their space would be lost.
    private let spaced: TokenBits

    /// Masks that are kept at most.
    private static let maskLimit = 256

    package init(_ grammar: Grammar, _ trie: VocabularyTrie) {
        self.trie = trie
        automaton = GrammarAutomaton(grammar)
        var ends = TokenBits(count: trie.vocabularySize)
        for token in trie.endTokens { ends.insert(token) }
        endMask = ends
        var spaced = TokenBits(count: trie.vocabularySize)
        if trie.dropsFirstSpace {
            for node in trie.nodes where node.depth == 1 && node.byte == UInt8(ascii: " ") {
                let last = trie.nodes[Int(node.end)].firstToken
                for place in node.firstToken..<last { spaced.insert(trie.tokens[Int(place)]) }
            }
        }
        self.spaced = spaced
    }

    package var start: State { State(state: automaton.start) }

    /// Numbers of four bytes that the automaton holds.
    package var size: Int { automaton.size }

    /// The state behind a token; nil if the token is not legal.
    ///
    /// - Parameter bytes: the token's, if it stands for text.
    package func advance(_ state: State, by token: Token, bytes: ArraySlice<UInt8>) -> State? {
        if trie.endTokens.contains(token) {
            guard state.hasEnded || automaton.isComplete(state.state) else { return nil }
            return State(state: state.state, hasEnded: true, isAtStart: false)
        }
        guard !state.hasEnded, !bytes.isEmpty, !(state.isAtStart && spaced.contains(token)) else { return nil }
        var next = state.state
        for byte in bytes {
            next = automaton.next(next, byte)
            if next == .dead { return nil }
        }
        return State(state: next, isAtStart: false)
    }

    package func isComplete(_ state: State) -> Bool {
        state.hasEnded || automaton.isComplete(state.state)
    }

    /// Whether nothing but an end token is legal.
    package func isFinal(_ state: State) -> Bool {
        state.hasEnded || automaton.isFinal(state.state)
    }

    /// The bytes that must follow, up to a limit.
    package func forced(_ state: State, limit: Int) -> [UInt8] {
        guard !state.hasEnded else { return [] }
        var bytes: [UInt8] = []
        var place = state.state
        while bytes.count < limit, let byte = automaton.forced(place) {
            bytes.append(byte)
            place = automaton.next(place, byte)
        }
        return bytes
    }

    /// The legal tokens.
    package func mask(_ state: State) -> TokenBits {
        if state.hasEnded { return endMask }
        var mask = textMask(state.state)
        if state.isAtStart, trie.dropsFirstSpace {
            var allowed = TokenBits(count: trie.vocabularySize)
            for token in mask.tokens where !spaced.contains(token) { allowed.insert(token) }
            mask = allowed
        }
        if automaton.isComplete(state.state) { mask.formUnion(endMask) }
        return mask
    }

    private func textMask(_ state: GrammarState) -> TokenBits {
        if let known = masks[state] { return known }
        if masks.count >= Self.maskLimit { masks = [:] }
        let mask = walk(state)
        masks[state] = mask
        return mask
    }

    /// Finds the tokens that lead from a state to a live one.
    ///
    /// Where all bytes of a subtree may follow in any order, its tokens are legal and need not be walked.
    private func walk(_ start: GrammarState) -> TokenBits {
        var mask = TokenBits(count: trie.vocabularySize)
        var states = Array(repeating: start, count: trie.height + 1)
        let (nodes, subtrees, classes) = (trie.nodes, trie.subtrees, automaton.classes)
        var known = automaton.knownSteps
        var node = 0
        while node < nodes.count - 1 {
            let place = nodes[node]
            let before = states[Int(place.depth) - 1]
            if place.subtree >= 0 {
                let subtree = subtrees[Int(place.subtree)]
                var loop = known.loop(before)
                if loop == nil {
                    known = .init()
                    loop = automaton.loop(before)
                    known = automaton.knownSteps
                }
                if let loop, loop.contains(subtree) {
                    mask.insert(trie.tokens[Int(place.firstToken)..<Int(nodes[Int(place.end)].firstToken)])
                    node = Int(place.end)
                    continue
                }
            }
            var next = known.next(before, Int(classes[Int(place.byte)]))
            if next == nil {
                known = .init()
                next = automaton.next(before, place.byte)
                known = automaton.knownSteps
            }
            guard let next, next != .dead else {
                node = Int(place.end)
                continue
            }
            states[Int(place.depth)] = next
            for token in place.firstToken..<nodes[node + 1].firstToken { mask.insert(trie.tokens[Int(token)]) }
            node += 1
        }
        return mask
    }
}
