/// A language of byte strings, as an entry of a ``TermTable``.
struct Term: Hashable, Sendable, Comparable {
    let index: Int32

    /// No string at all.
    static let nothing = Term(index: 0)
    /// The empty string alone.
    static let end = Term(index: 1)

    static func < (a: Term, b: Term) -> Bool { a.index < b.index }
}

/// What a term is made of.
enum TermNode: Hashable, Sendable {
    case nothing
    case end
    /// One byte of a set.
    case byte(ByteSet)
    /// The bytes of the table's literals in a range that is not empty.
    case literal(Int32, Int32)
    /// One behind the other. Behind a derivative, the second is what a call returns to.
    case sequence(Term, Term)
    /// Any of at least two, in ascending order.
    case choice([Term])
    /// `maximum` is `unlimited` for no limit.
    case repetition(Term, minimum: Int32, maximum: Int32)
    /// The body of a rule, which may refer to the rule itself.
    case rule(Int32)
    /// A finite automaton in one of its states.
    case machine(Int32, state: Int32)

    static let unlimited = Int32.max
}

/// Terms, each kept once, so that equal terms have equal indices.
///
/// Every term that is not ``Term/nothing`` is the language of at least one string, once ``Grammar`` has been sealed.
struct TermTable: Sendable {
    private(set) var nodes: [TermNode] = []
    private var terms: [TermNode: Term] = [:]
    private(set) var literals: [UInt8] = []
    private var literalTerms: [[UInt8]: Term] = [:]

    init() {
        _ = intern(.nothing)
        _ = intern(.end)
    }

    var count: Int { nodes.count }

    subscript(term: Term) -> TermNode { nodes[Int(term.index)] }

    mutating func intern(_ node: TermNode) -> Term {
        if let term = terms[node] { return term }
        let term = Term(index: Int32(nodes.count))
        nodes.append(node)
        terms[node] = term
        return term
    }

    func literal(_ start: Int32, _ end: Int32) -> ArraySlice<UInt8> {
        literals[Int(start)..<Int(end)]
    }

    // MARK: Making terms

    mutating func byte(_ set: ByteSet) -> Term {
        set.isEmpty ? .nothing : intern(.byte(set))
    }

    mutating func literal(_ bytes: some Collection<UInt8>) -> Term {
        guard !bytes.isEmpty else { return .end }
        let text = Array(bytes)
        if let known = literalTerms[text] { return known }
        let start = Int32(literals.count)
        literals += text
        let term = intern(.literal(start, Int32(literals.count)))
        literalTerms[text] = term
        return term
    }

    mutating func sequence(_ first: Term, _ second: Term) -> Term {
        if first == .nothing || second == .nothing { return .nothing }
        if first == .end { return second }
        if second == .end { return first }
        return intern(.sequence(first, second))
    }

    mutating func sequence(_ terms: [Term]) -> Term {
        terms.reversed().reduce(.end) { sequence($1, $0) }
    }

    mutating func choice(_ terms: some Sequence<Term>) -> Term {
        var flat: [Term] = []
        for term in terms where term != .nothing {
            if case .choice(let inner) = self[term] { flat += inner } else { flat.append(term) }
        }
        flat.sort()
        var unique: [Term] = []
        for term in flat where term != unique.last { unique.append(term) }
        return switch unique.count {
        case 0: .nothing
        case 1: unique[0]
        default: intern(.choice(unique))
        }
    }

    /// - Parameter maximum: nil for no limit.
    mutating func repetition(_ term: Term, _ minimum: Int32, _ maximum: Int32?) -> Term {
        let maximum = maximum ?? TermNode.unlimited
        if maximum < minimum { return .nothing }
        if maximum == 0 || term == .end { return .end }
        if term == .nothing { return minimum == 0 ? .end : .nothing }
        if minimum == 1, maximum == 1 { return term }
        return intern(.repetition(term, minimum: minimum, maximum: maximum))
    }

    mutating func optional(_ term: Term) -> Term {
        choice([term, .end])
    }

    /// Any of the texts: a tree of their common beginnings, so that many alternatives stay one.
    mutating func anyOf(_ texts: [[UInt8]]) -> Term {
        let sorted = texts.sorted { $0.lexicographicallyPrecedes($1) }
        return anyOf(sorted[...], from: 0)
    }

    private mutating func anyOf(_ texts: ArraySlice<[UInt8]>, from depth: Int) -> Term {
        guard let first = texts.first, let last = texts.last else { return .nothing }
        // Sorted: what the first and the last have in common, all have.
        let common = zip(first.dropFirst(depth), last.dropFirst(depth)).prefix { $0 == $1 }.count
        let place = depth + common
        let head = literal(first[depth..<place])
        var branches: [Term] = []
        var rest = texts
        while let text = rest.first {
            if text.count == place {
                branches.append(.end)
                rest.removeFirst()
                continue
            }
            let end = rest.firstIndex { $0[place] != text[place] } ?? rest.endIndex
            let tail = literal(text[place...place])
            let isOne = rest[..<end].allSatisfy { $0.count == text.count && $0 == text }
            branches.append(
                isOne ? literal(text[place...]) : sequence(tail, anyOf(rest[..<end], from: place + 1))
            )
            rest = rest[end...]
        }
        return sequence(head, choice(branches))
    }
}
