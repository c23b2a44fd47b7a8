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
    /// How many alternatives may stand side by side. A grammar that has many is given room for each of them, and for
    /// the few readings that one may have at once, as where white space may follow. What grows beyond is cut off. It
    /// depends on the grammar alone, and so does every state.
    private let mostAlternatives: Int
    let classes: [UInt8]
    private let representatives: [UInt8]
    private let members: [ByteSet]
    /// The loops that have been asked for, and the place of each term's among them, or -1.
    private var loops: [Loop] = []
    private var loopPlaces: [Int32] = []

    package init(_ grammar: Grammar) {
        self.grammar = grammar
        terms = grammar.terms
        nullable = grammar.isNullable
        heights = Array(repeating: 0, count: terms.count)
        rows = Array(repeating: -1, count: terms.count)
        width = grammar.classes.count
        mostAlternatives = grammar.limits.width + 4 * grammar.widestChoice
        classes = grammar.classes.classes
        representatives = grammar.classes.representatives
        members = grammar.classes.members
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

    /// The bytes that may follow, by the state behind them.
    func continuations(of state: GrammarState) -> [(bytes: ByteSet, state: GrammarState)] {
        var found: [(bytes: ByteSet, state: GrammarState)] = []
        for (byteClass, bytes) in members.enumerated() {
            let next = GrammarState(term: step(state.term, byteClass))
            guard next != .dead else { continue }
            if let known = found.firstIndex(where: { $0.state == next }) {
                found[known].bytes = found[known].bytes.union(bytes)
            } else {
                found.append((bytes, next))
            }
        }
        return found
    }

    /// What may follow in any order.
    struct Loop {
        var bytes: ByteSet
        /// Whether all characters of several bytes may follow too.
        var hasCharacters: Bool
        /// How many of them may follow at most.
        var limit: Int32

        /// Whether any text of a subtree may follow.
        func contains(_ subtree: VocabularyTrie.Subtree) -> Bool {
            guard subtree.height <= limit else { return false }
            if subtree.bytes.isSubset(of: bytes) { return true }
            return hasCharacters && subtree.isText && subtree.bytes.ascii.isSubset(of: bytes)
        }
    }

    /// The bytes that may follow a state in any order. There may be others.
    ///
    /// A counted repetition is taken for one without limits: behind a byte that leads that one back to where it was,
    /// the counted one stands as before with one less to go.
    func loop(_ state: GrammarState) -> Loop {
        let (term, limit) = uncounted(state.term)
        if var known = knownSteps.loop(GrammarState(term: term)) {
            known.limit = limit
            return note(known, of: state.term)
        }
        let isLoop = (0..<width).map { step(term, $0) == term }
        let bytes = ByteSet((UInt8.min ... .max).lazy.filter { isLoop[Int(self.classes[Int($0)])] })
        var loop = Loop(
            bytes: bytes,
            hasCharacters: !bytes.isEmpty && isClosedUnderCharacters(term),
            limit: TermNode.unlimited
        )
        _ = note(loop, of: term)
        guard term != state.term else { return loop }
        loop.limit = limit
        return note(loop, of: state.term)
    }

    private func note(_ loop: Loop, of term: Term) -> Loop {
        loopPlaces += repeatElement(-1, count: terms.count - loopPlaces.count)
        loopPlaces[Int(term.index)] = Int32(loops.count)
        loops.append(loop)
        return loop
    }

    private func isClosedUnderCharacters(_ term: Term) -> Bool {
        var frontier: Set<CharacterPlace> = [CharacterPlace(term: term, progress: CharacterBytes())]
        while !frontier.isEmpty {
            var next: Set<CharacterPlace> = []
            for place in frontier {
                let bytes = place.progress.missing > 0 ? place.progress.next : CharacterBytes.leads
                for byte in bytes {
                    var behind = CharacterPlace(
                        term: step(place.term, Int(classes[Int(byte)])),
                        progress: place.progress
                    )
                    guard behind.progress.take(byte), behind.term != .nothing else { return false }
                    if behind.progress.missing > 0 { next.insert(behind) } else if behind.term != term { return false }
                }
            }
            frontier = next
        }
        return true
    }

    private struct CharacterPlace: Hashable {
        var term: Term
        var progress: CharacterBytes
    }

    /// The term without the counts of its first part, and how often that part may come.
    private func uncounted(_ term: Term) -> (Term, limit: Int32) {
        switch terms[term] {
        case .repetition(let part, _, let maximum):
            let free = terms.repetition(part, 0, nil)
            register()
            return (free, maximum)
        case .sequence(let first, let second):
            guard case .repetition(let part, _, let maximum) = terms[first] else { return (term, TermNode.unlimited) }
            let free = terms.repetition(part, 0, nil)
            register()
            return (sequence(free, second), maximum)
        default: return (term, TermNode.unlimited)
        }
    }

    /// The steps that are known, to be looked up many at a time.
    ///
    /// Whoever holds one lets go of it before the automaton learns more, or else that copies all of it.
    struct KnownSteps {
        fileprivate var rows: [Int32] = []
        fileprivate var steps: [Int32] = []
        fileprivate var width = 0
        fileprivate var loops: [Loop] = []
        fileprivate var loopPlaces: [Int32] = []

        /// The state behind a byte of a class; nil if it is not known.
        func next(_ state: GrammarState, _ byteClass: Int) -> GrammarState? {
            let row = rows.withUnsafeBufferPointer { $0[Int(state.term.index)] }
            guard row >= 0 else { return nil }
            let known = steps.withUnsafeBufferPointer { $0[Int(row) * width + byteClass] }
            return known >= 0 ? GrammarState(term: Term(index: known)) : nil
        }

        func loop(_ state: GrammarState) -> Loop? {
            let index = Int(state.term.index)
            guard index < loopPlaces.count, loopPlaces[index] >= 0 else { return nil }
            return loops[Int(loopPlaces[index])]
        }
    }

    var knownSteps: KnownSteps {
        KnownSteps(rows: rows, steps: steps, width: width, loops: loops, loopPlaces: loopPlaces)
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
        case .choice(let parts):
            return choice(parts.filter { mayBegin($0, with: byte) }.map { step($0, byteClass) })
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

    /// Whether a text of a term may begin with a byte; true in doubt. Of hundreds of alternatives most begin otherwise,
    /// and this costs far less than a derivative and a row for each.
    private func mayBegin(_ term: Term, with byte: UInt8) -> Bool {
        switch terms[term] {
        case .nothing, .end: false
        case .byte(let set): set.contains(byte)
        case .literal(let start, _): terms.literals[Int(start)] == byte
        case .sequence(let first, _): nullable[Int(first.index)] || mayBegin(first, with: byte)
        case .choice, .repetition, .rule, .machine: true
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
        let isTooLarge = flat.count > mostAlternatives || heights[Int(term.index)] > grammar.limits.height
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
