/// Walks a grammar byte by byte.
///
/// A state is a term: the texts that may follow (Brzozowski, "Derivatives of Regular Expressions", 1964). Its terms of
/// the form (top, return address) are the stack of a pushdown automaton, shared between states. Each step is computed
/// once and then looked up, so a state's row is that of a deterministic automaton which is built as it is needed.
///
/// Not safe to use from several threads at once.
package final class GrammarAutomaton {
    package let grammar: Grammar
    private var terms: TermTable
    private var nullable: [Bool]
    /// How high terms that were made here are stacked; 0 for those of the grammar.
    private var heights: [Int32]
    /// The row of each term in `steps`, or -1.
    private var rows: [Int32]
    /// For each row, the next term by byte class; -1 where it is not known yet.
    private var steps: [Int32] = []
    private let width: Int
    private let classes: [UInt8]
    private let representatives: [UInt8]

    package init(_ grammar: Grammar) {
        self.grammar = grammar
        terms = grammar.terms
        nullable = grammar.isNullable
        heights = Array(repeating: 0, count: terms.count)
        rows = Array(repeating: -1, count: terms.count)
        width = grammar.classes.count
        classes = grammar.classes.classes
        representatives = grammar.classes.representatives
    }

    /// What the automaton holds, in numbers of four bytes.
    var size: Int { steps.count + 16 * terms.count }

    /// The state before any text.
    package var start: GrammarState { GrammarState(term: grammar.root) }

    /// The state behind a byte; ``GrammarState/dead`` if no text goes on so.
    package func next(_ state: GrammarState, _ byte: UInt8) -> GrammarState {
        GrammarState(term: step(state.term, Int(classes[Int(byte)])))
    }

    /// Whether the text may end here.
    package func isComplete(_ state: GrammarState) -> Bool {
        nullable[Int(state.term.index)]
    }

    /// Whether the text must end here.
    package func isFinal(_ state: GrammarState) -> Bool {
        state.term == .end
    }

    /// The only byte that may follow; nil if there are several, or the text may end.
    package func forced(_ state: GrammarState) -> UInt8? {
        guard !isComplete(state) else { return nil }
        var found: UInt8?
        for byte in UInt8.min ... .max where next(state, byte) != .dead {
            guard found == nil else { return nil }
            found = byte
        }
        return found
    }

    /// The bytes behind which the state is the same again.
    func loops(_ state: GrammarState) -> ByteSet {
        let loop = (0..<width).map { step(state.term, $0) == state.term }
        return ByteSet((UInt8.min ... .max).filter { loop[Int(classes[Int($0)])] })
    }

    // MARK: Derivatives

    private func step(_ term: Term, _ byteClass: Int) -> Term {
        let row = rows[Int(term.index)]
        if row >= 0 {
            let known = steps[Int(row) * width + byteClass]
            if known >= 0 { return Term(index: known) }
        }
        return derive(term, byteClass)
    }

    private func derive(_ term: Term, _ byteClass: Int) -> Term {
        let result = derivative(terms[term], byteClass)
        var row = Int(rows[Int(term.index)])
        if row < 0 {
            row = steps.count / width
            rows[Int(term.index)] = Int32(row)
            steps += repeatElement(-1, count: width)
        }
        steps[row * width + byteClass] = result.index
        return result
    }

    private func derivative(_ node: TermNode, _ byteClass: Int) -> Term {
        let byte = representatives[byteClass]
        switch node {
        case .nothing, .end: return .nothing
        case .byte(let set): return set.contains(byte) ? .end : .nothing
        case .literal(let start, let end):
            guard terms.literals[Int(start)] == byte else { return .nothing }
            return start + 1 == end ? .end : intern(.literal(start + 1, end))
        case .sequence(let first, let second):
            let taken = append(step(first, byteClass), second)
            guard nullable[Int(first.index)] else { return taken }
            return choice([taken, step(second, byteClass)])
        case .choice(let parts): return choice(parts.map { step($0, byteClass) })
        case .repetition(let part, let minimum, let maximum):
            let taken = step(part, byteClass)
            guard taken != .nothing else { return .nothing }
            let least = nullable[Int(part.index)] ? 0 : max(0, minimum - 1)
            let most = maximum == TermNode.unlimited ? nil : maximum - 1
            let rest = terms.repetition(part, least, most)
            register()
            return append(taken, rest)
        case .rule(let rule): return step(grammar.bodies[Int(rule)], byteClass)
        case .machine(let machine, let state):
            guard let next = grammar.machines[Int(machine)].next(Int(state), byte) else { return .nothing }
            return intern(.machine(machine, state: Int32(next)))
        }
    }

    /// Puts a return address behind a derivative. What it has itself stays below its own top.
    private func append(_ taken: Term, _ rest: Term) -> Term {
        if case .sequence(let top, let inner) = terms[taken] {
            let below = sequence(inner, rest)
            return below == .nothing ? .nothing : sequence(top, below)
        }
        return sequence(taken, rest)
    }

    private func sequence(_ first: Term, _ second: Term) -> Term {
        let term = terms.sequence(first, second)
        register()
        return heights[Int(term.index)] > grammar.limits.height ? .nothing : term
    }

    private func choice(_ parts: [Term]) -> Term {
        let term = terms.choice(parts)
        register()
        guard case .choice(let flat) = terms[term] else { return term }
        let isTooLarge = flat.count > grammar.limits.width || heights[Int(term.index)] > grammar.limits.height
        return isTooLarge && Int(term.index) >= grammar.terms.count ? .nothing : term
    }

    private func intern(_ node: TermNode) -> Term {
        let term = terms.intern(node)
        register()
        return term
    }

    /// Notes what is known of a term that has just been made.
    private func register() {
        while nullable.count < terms.count {
            let node = terms.nodes[nullable.count]
            let (isNullable, height) = facts(of: node)
            nullable.append(isNullable)
            heights.append(height)
            rows.append(-1)
        }
    }

    private func facts(of node: TermNode) -> (isNullable: Bool, height: Int32) {
        switch node {
        case .nothing, .byte, .literal, .rule: return (false, 0)
        case .end: return (true, 0)
        case .sequence(let first, let second):
            let isNullable = nullable[Int(first.index)] && nullable[Int(second.index)]
            return (isNullable, 1 + max(heights[Int(first.index)], heights[Int(second.index)]))
        case .choice(let parts):
            let isNullable = parts.contains { nullable[Int($0.index)] }
            return (isNullable, 1 + (parts.map { heights[Int($0.index)] }.max() ?? 0))
        case .repetition(let part, let minimum, _):
            return (minimum == 0 || nullable[Int(part.index)], heights[Int(part.index)])
        case .machine(let machine, let state):
            return (grammar.machines[Int(machine)].accepts(Int(state)), 0)
        }
    }
}

/// Where a text stands in its grammar. Means something to the automaton that made it alone.
package struct GrammarState: Hashable, Sendable {
    let term: Term

    /// No text of the grammar begins so.
    package static let dead = GrammarState(term: .nothing)
}
