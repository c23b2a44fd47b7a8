/// Puts a grammar together: terms, and rules that terms may refer to before they have a body.
struct GrammarBuilder {
    var terms = TermTable()
    private(set) var bodies: [Term?] = []
    /// Where each rule comes from; empty if nobody can tell.
    private(set) var places: [String] = []
    private(set) var machines: [FiniteAutomaton] = []
    private let limits: GrammarLimits

    init(limits: GrammarLimits) {
        self.limits = limits
    }

    /// - Parameter place: where it comes from, for errors.
    mutating func newRule(_ place: String = "") -> (rule: Int32, term: Term) {
        let rule = Int32(bodies.count)
        places.append(place)
        bodies.append(nil)
        return (rule, terms.intern(.rule(rule)))
    }

    mutating func define(_ rule: Int32, as body: Term) {
        bodies[Int(rule)] = body
    }

    mutating func machine(_ automaton: FiniteAutomaton) -> Term {
        guard automaton.stateCount > 0 else { return .nothing }
        machines.append(automaton)
        return terms.intern(.machine(Int32(machines.count - 1), state: 0))
    }

    /// - Throws: ``GrammarError`` if the grammar has become too large.
    func check(_ place: String) throws(GrammarError) {
        guard terms.count <= limits.terms, terms.literals.count <= limits.literalBytes else {
            throw GrammarError(place, "the grammar becomes too large here; make it smaller")
        }
        guard bodies.count <= limits.rules else {
            throw GrammarError(place, "the grammar has more than \(limits.rules) rules; make it smaller")
        }
        guard machines.reduce(0, { $0 + $1.stateCount }) <= limits.machineStates else {
            throw GrammarError(place, "the patterns together become too large here; make them simpler")
        }
    }
}

/// Bounds on grammars, so that a hostile one costs little.
package struct GrammarLimits: Sendable, Hashable {
    /// Bytes of a grammar's text.
    package var sourceBytes = 256 << 10
    package var terms = 100_000
    package var literalBytes = 1 << 20
    package var rules = 6000
    /// States of one finite automaton, as a pattern with a length needs one.
    package var automatonStates = 4000
    /// States of all of them.
    package var machineStates = 40_000
    /// Steps between the first byte of a text and the term that takes it.
    package var depth = 400
    /// Alternatives that a grammar may have at one place.
    package var alternatives = 4096
    /// Terms that wait behind each other, and alternatives side by side beyond those that the grammar has at one place,
    /// while a text is read. What would exceed them is not in the language.
    package var height = 500
    package var width = 500

    package init() {}
}
