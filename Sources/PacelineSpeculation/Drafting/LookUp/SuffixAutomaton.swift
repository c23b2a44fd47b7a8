/// The suffix automaton of a text that only grows, with occurrence counts for short substrings.
///
/// A state stands for all substrings that end at the same set of positions; `link` leads to the longest shorter suffix
/// with more positions. There are at most two states per token of text, and appending takes amortised constant time
/// apart from counting (Blumer et al. 1985). Counting visits only suffixes of up to `countedLength` tokens, because in
/// repetitive texts the chain of all suffixes is as long as the text.
struct SuffixAutomaton: Sendable {
    struct State: Sendable {
        /// The length of its longest substring.
        var length: Int32
        var link: Int32
        var firstEdge: Int32 = -1
        /// The number of occurrences, and the end of the latest; only for substrings of at most `countedLength` tokens.
        var count: Int32 = 0
        var latestEnd: Int32 = 0
    }

    private struct Edge: Sendable {
        var token: Token
        var target: Int32
        var next: Int32
    }

    /// A place in the automaton: a state, and the length of the substring that led there.
    struct Match: Sendable, Hashable {
        var state: Int = 0
        var length: Int = 0
    }

    let countedLength: Int
    private(set) var states = [State(length: 0, link: -1)]
    private var edges: [Edge] = []
    /// The edge for each (state, token). A table, because the root of a long text has very many edges.
    private var edgeIndex: [UInt64: Int32] = [:]
    private var last = 0
    /// The last `countedLength` tokens of the text, or all of it if it is shorter.
    private(set) var suffix = Match()
    private(set) var textLength = 0

    init(countedLength: Int) {
        self.countedLength = Swift.max(1, countedLength)
    }

    mutating func append(_ token: Token) {
        // State numbers are 32 bits; a text of a billion tokens is beyond any context.
        guard states.count < Int(Int32.max) - 2 else { return }
        let current = addState(State(length: states[last].length + 1, link: 0))
        var state = last
        while state >= 0, target(of: state, token) == nil {
            addEdge(from: state, token, to: current)
            state = Int(states[state].link)
        }
        if state >= 0, let next = target(of: state, token) {
            states[current].link = Int32(split(next, reachedFrom: state, token))
        }
        last = current
        textLength += 1
        count(token)
    }

    /// About how many bytes it takes.
    var size: Int {
        // A table entry takes 12 bytes, and tables are at most three quarters full.
        states.count * MemoryLayout<State>.stride + edges.count * (MemoryLayout<Edge>.stride + 24)
    }

    func target(of state: Int, _ token: Token) -> Int? {
        edgeIndex[Self.key(state, token)].map { Int(edges[Int($0)].target) }
    }

    /// The tokens that follow the substrings of a state, and the states they lead to.
    func successors(of state: Int) -> [(token: Token, state: Int)] {
        var successors: [(token: Token, state: Int)] = []
        var edge = states[state].firstEdge
        while edge >= 0 {
            successors.append((edges[Int(edge)].token, Int(edges[Int(edge)].target)))
            edge = edges[Int(edge)].next
        }
        return successors
    }

    /// The longest suffix of a match that has at most `limit` tokens.
    func shortened(_ match: Match, to limit: Int) -> Match {
        guard match.length > limit else { return match }
        var state = match.state
        while state > 0, states[state].link >= 0, Int(states[Int(states[state].link)].length) >= limit {
            state = Int(states[state].link)
        }
        return Match(state: state, length: limit)
    }

    /// The longest suffix of a match that occurs at more positions; the empty match if there is none.
    func nextShorter(_ match: Match) -> Match {
        let link = Int(states[match.state].link)
        return link < 0 ? Match() : Match(state: link, length: Int(states[link].length))
    }

    /// The longest suffix of a match that is followed by `token` somewhere in the text, extended by that token.
    func extended(_ match: Match, by token: Token) -> Match {
        var (state, length) = (match.state, match.length)
        while true {
            if let target = target(of: state, token) { return Match(state: target, length: length + 1) }
            guard states[state].link >= 0 else { return Match() }
            state = Int(states[state].link)
            length = Int(states[state].length)
        }
    }
}

extension SuffixAutomaton {
    /// Gives the substrings of `next` that are suffixes of the text a state of their own, if they do not have one yet.
    private mutating func split(_ next: Int, reachedFrom state: Int, _ token: Token) -> Int {
        let length = states[state].length + 1
        guard states[next].length != length else { return next }
        var copy = states[next]
        copy.length = length
        copy.firstEdge = -1
        let clone = addState(copy)
        for successor in successors(of: next) {
            addEdge(from: clone, successor.token, to: successor.state)
        }
        var state = state
        while state >= 0, let edge = edgeIndex[Self.key(state, token)], Int(edges[Int(edge)].target) == next {
            edges[Int(edge)].target = Int32(clone)
            state = Int(states[state].link)
        }
        states[next].link = Int32(clone)
        return clone
    }

    /// Counts the new occurrences of the text's short suffixes.
    private mutating func count(_ token: Token) {
        suffix = shortened(extended(suffix, by: token), to: countedLength)
        var state = suffix.state
        while state > 0 {
            states[state].count += 1
            states[state].latestEnd = Int32(textLength)
            state = Int(states[state].link)
        }
    }

    private mutating func addState(_ state: State) -> Int {
        states.append(state)
        return states.count - 1
    }

    private mutating func addEdge(from state: Int, _ token: Token, to target: Int) {
        edgeIndex[Self.key(state, token)] = Int32(edges.count)
        edges.append(Edge(token: token, target: Int32(target), next: states[state].firstEdge))
        states[state].firstEdge = Int32(edges.count - 1)
    }

    private static func key(_ state: Int, _ token: Token) -> UInt64 {
        UInt64(state) << 32 | UInt64(token)
    }
}
