/// A set of texts, as a pushdown automaton over bytes.
///
/// Immutable: ``GrammarAutomaton`` walks it. Behind every beginning that the automaton accepts, some text goes on: no
/// state is a dead end.
package struct Grammar: Sendable {
    let terms: TermTable
    let bodies: [Term]
    let machines: [FiniteAutomaton]
    let classes: ByteClasses
    let root: Term
    let isNullable: [Bool]
    let limits: GrammarLimits
    /// The most alternatives at one place.
    let widestChoice: Int

    /// Finishes a grammar: drops what can never end, and refuses what cannot be walked.
    ///
    /// - Throws: ``GrammarError`` if no text is left, or if reading its first byte takes too many steps.
    init(_ builder: GrammarBuilder, root whole: Term, limits: GrammarLimits) throws(GrammarError) {
        try builder.check("")
        let old = builder.bodies.map { $0 ?? .nothing }
        let productive = Fixpoint(builder.terms, old).solve { node, holds in
            switch node {
            case .nothing: false
            case .end, .byte, .literal, .machine: true
            case .sequence(let first, let second): holds(first) && holds(second)
            case .choice(let terms): terms.contains(where: holds)
            case .repetition(let term, let minimum, _): minimum == 0 || holds(term)
            case .rule(let rule): holds(old[Int(rule)])
            }
        }
        let copy = TermCopy(builder.terms, productive)
        let bodies = old.map { copy.image[Int($0.index)] }
        let root = copy.image[Int(whole.index)]
        guard root != .nothing else {
            let place = Contradiction(builder, old, productive).place(of: whole)
            throw GrammarError(place, "no text satisfies it; remove what contradicts itself")
        }
        let nullable = Fixpoint(copy.terms, bodies).solve { node, holds in
            switch node {
            case .nothing, .byte, .literal: false
            case .end: true
            case .sequence(let first, let second): holds(first) && holds(second)
            case .choice(let terms): terms.contains(where: holds)
            case .repetition(let term, let minimum, _): minimum == 0 || holds(term)
            case .rule(let rule): holds(bodies[Int(rule)])
            case .machine(let machine, let state): builder.machines[Int(machine)].accepts(Int(state))
            }
        }
        try LeftDepth(copy.terms, bodies, nullable).check(limit: limits.depth)
        (terms, self.bodies, self.root, isNullable) = (copy.terms, bodies, root, nullable)
        (machines, self.limits) = (builder.machines, limits)
        classes = Self.classes(copy.terms, builder.machines)
        widestChoice = Self.widestChoice(copy.terms)
        guard widestChoice <= limits.alternatives else {
            throw GrammarError(
                "",
                "it has \(widestChoice) alternatives at one place; \(limits.alternatives) are supported"
            )
        }
    }

    private static func widestChoice(_ terms: TermTable) -> Int {
        terms.nodes.reduce(0) { widest, node in
            guard case .choice(let parts) = node else { return widest }
            return max(widest, parts.count)
        }
    }

    private static func classes(_ terms: TermTable, _ machines: [FiniteAutomaton]) -> ByteClasses {
        var classes = ByteClasses()
        var seen: Set<ByteSet> = []
        for node in terms.nodes {
            if case .byte(let set) = node, seen.insert(set).inserted { classes.refine { set.contains($0) ? 1 : 0 } }
        }
        let literals = ByteSet(terms.literals)
        classes.refine { literals.contains($0) ? Int($0) + 1 : 0 }
        for machine in machines { classes.refine { machine.byteClass($0) } }
        return classes
    }
}

/// Finds what it is that no text satisfies.
private struct Contradiction {
    private let builder: GrammarBuilder
    private let bodies: [Term]
    private let productive: [Bool]

    init(_ builder: GrammarBuilder, _ bodies: [Term], _ productive: [Bool]) {
        (self.builder, self.bodies, self.productive) = (builder, bodies, productive)
    }

    /// The place of the innermost rule on the way from a term to what cannot end; empty if that has none.
    func place(of root: Term) -> String {
        var (term, place) = (root, "")
        var seen: Set<Term> = []
        while seen.insert(term).inserted {
            if case .rule(let rule) = builder.terms[term], !builder.places[Int(rule)].isEmpty {
                place = builder.places[Int(rule)]
            }
            let parts = Fixpoint.parts(builder.terms[term], bodies)
            guard let next = parts.first(where: { !productive[Int($0.index)] }) else { break }
            term = next
        }
        return place
    }
}

/// Copies terms without those that can never end.
private struct TermCopy {
    var terms = TermTable()
    /// The copy of each term.
    var image: [Term] = []

    init(_ old: TermTable, _ productive: [Bool]) {
        // Parts come before what is made of them.
        for (index, node) in old.nodes.enumerated() {
            guard productive[index] else {
                image.append(.nothing)
                continue
            }
            image.append(copy(node, of: old))
        }
    }

    private mutating func copy(_ node: TermNode, of old: TermTable) -> Term {
        switch node {
        case .nothing: .nothing
        case .end: .end
        case .byte, .rule, .machine: terms.intern(node)
        case .literal(let start, let end): terms.literal(old.literal(start, end))
        case .sequence(let first, let second): terms.sequence(image[Int(first.index)], image[Int(second.index)])
        case .choice(let parts): terms.choice(parts.map { image[Int($0.index)] })
        case .repetition(let term, let minimum, let maximum):
            terms.repetition(image[Int(term.index)], minimum, maximum == TermNode.unlimited ? nil : maximum)
        }
    }
}
