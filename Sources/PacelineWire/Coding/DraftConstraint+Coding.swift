import CPacelineProtocol
import PacelineSpeculation

extension DraftConstraint {
    /// - Returns: nil for a beginning that this build does not know.
    init?(copying structure: Paceline__V1__Constraint) throws(MessageError.Problem) {
        let grammar = try Copy.text("constraint.grammar", structure.grammar, atMost: WireLimits.grammarBytes)
        try Check.notEmpty("constraint.grammar", grammar)
        guard let beginning = Beginning(structure.beginning) else { return nil }
        self.init(grammar: grammar, beginning: beginning, promptLength: Int(structure.prompt_length))
    }

    func check(baseLength: Int) throws(MessageError.Problem) {
        try Check.notEmpty("constraint.grammar", grammar)
        let size = grammar.utf8.count
        guard size <= WireLimits.grammarBytes else {
            let allowed = "at most \(WireLimits.grammarBytes)"
            throw .byteCount(field: "constraint.grammar", found: size, allowed: allowed)
        }
        guard !grammar.utf8.contains(0) else { throw .nulInText(field: "constraint.grammar") }
        try Check.range("constraint.prompt_length", promptLength, 1...baseLength)
    }

    func structure(in arena: PackArena) -> Paceline__V1__Constraint {
        var structure = Paceline__V1__Constraint.make()
        structure.grammar = arena.text(grammar, limit: WireLimits.grammarBytes)
        structure.beginning = beginning.code
        structure.prompt_length = UInt32(promptLength)
        return structure
    }
}

extension DraftConstraint.Beginning {
    fileprivate init?(_ code: Paceline__V1__ConstraintBeginning) {
        guard let beginning = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = beginning
    }

    fileprivate var code: Paceline__V1__ConstraintBeginning {
        switch self {
        case .first: PACELINE__V1__CONSTRAINT_BEGINNING__CONSTRAINT_BEGINNING_FIRST
        case .afterOptionalThoughts: PACELINE__V1__CONSTRAINT_BEGINNING__CONSTRAINT_BEGINNING_AFTER_OPTIONAL_THOUGHTS
        case .afterThoughts: PACELINE__V1__CONSTRAINT_BEGINNING__CONSTRAINT_BEGINNING_AFTER_THOUGHTS
        }
    }
}
