import PacelineChat

extension SchemaCompiler {
    // MARK: Constants

    /// The term of some values, without those that the other keywords forbid.
    mutating func term(of values: [TemplateValue], _ facts: SchemaFacts) throws(GrammarError) -> Term {
        let place = facts.parts.first { $0.keyword("enum") != nil || $0.keyword("const") != nil }
        var texts: [[UInt8]] = []
        for value in values where try holds(value, facts, place?.path ?? "$") {
            guard let text = value.json else { continue }
            texts.append(Array(text.utf8))
        }
        guard texts.count <= 5000 else {
            throw GrammarError(place?.path ?? "$", "it lists more than 5000 values; list fewer")
        }
        return builder.terms.anyOf(texts)
    }

    private func holds(_ value: TemplateValue, _ facts: SchemaFacts, _ path: String) throws(GrammarError) -> Bool {
        switch value {
        case .none: return facts.allows(.null)
        case .bool: return facts.allows(.boolean)
        case .text(let text):
            guard facts.allows(.string) else { return false }
            guard facts.patterns.isEmpty, facts.formats.isEmpty else { throw mixed(path, "pattern and format") }
            return facts.lengths.contains(text.string.unicodeScalars.count)
        case .list, .mapping:
            let isList = if case .list = value { true } else { false }
            let keywords = isList ? SchemaKeywords.array : SchemaKeywords.object
            guard facts.allows(isList ? .array : .object) else { return false }
            guard !facts.parts.contains(where: { part in keywords.contains { part.keyword($0) != nil } }) else {
                throw mixed(path, "keywords about what is inside")
            }
            return true
        default:
            guard let number = DecimalBound(value.json ?? "") else {
                throw GrammarError(path, "a number this large is not supported")
            }
            guard facts.allows(number.fraction.isEmpty ? .integer : .number) else { return false }
            guard facts.factors.isEmpty else { throw mixed(path, "multipleOf") }
            return facts.range.contains(number)
        }
    }

    private func mixed(_ path: String, _ keywords: String) -> GrammarError {
        GrammarError(path, "enum and const together with \(keywords) are not supported; leave out the values or these")
    }

    // MARK: Numbers

    mutating func number(_ facts: SchemaFacts) throws(GrammarError) -> Term {
        let isWhole = !facts.allows(.number) || !facts.factors.isEmpty
        if facts.range.isAll, facts.factors.isEmpty { return isWhole ? json.integer : json.number }
        guard isWhole || NumberTerms.isExact(facts.range) else {
            throw GrammarError(
                facts.parts[0].path,
                "exclusive bounds with so many digits are not supported for numbers; use minimum and maximum"
            )
        }
        var signs: [Term] = []
        for isNegative in [false, true] {
            guard let numbers = try numbers(facts, isWhole: isWhole, isNegative: isNegative) else { continue }
            let term = builder.machine(numbers)
            signs.append(isNegative ? builder.terms.sequence(builder.terms.literal("-".utf8), term) : term)
        }
        return builder.terms.choice(signs)
    }

    /// The numbers of one sign, without it; nil if there are none.
    private func numbers(
        _ facts: SchemaFacts,
        isWhole: Bool,
        isNegative: Bool
    ) throws(GrammarError) -> FiniteAutomaton? {
        var numbers = NumberTerms(facts.range, allowsFraction: !isWhole)
        let path = facts.parts.first?.path ?? "$"
        guard let (least, most) = numbers.part(facts.range, isNegative: isNegative),
            let above = try automaton(numbers.terms, least, path),
            let below = try automaton(numbers.terms, most, path)
        else { return nil }
        guard var result = above.intersection(below, limit: limits.automatonStates) else { throw tooComplex(path) }
        for factor in facts.factors {
            guard let multiples = try multiples(of: factor),
                let both = result.intersection(multiples, limit: limits.automatonStates)
            else { throw tooComplex(factor.path) }
            result = both
        }
        return result
    }

    /// The multiples of a whole number, by the remainder of the digits so far.
    private func multiples(of factor: SchemaPart) throws(GrammarError) -> FiniteAutomaton? {
        let decimal = try factor.decimal()
        let value = decimal.whole.reduce(0) { ($0 * 10 + Int($1)) % 1_000_000_007 }
        guard decimal.fraction.isEmpty, !decimal.isNegative, value > 0, decimal.whole.count <= 4 else {
            throw factor.error("only whole numbers from 1 to 9999 are supported")
        }
        var classes = ByteClasses()
        classes.refine { (0x30...0x39).contains($0) ? Int($0) : 0 }
        return FiniteAutomaton.explore(
            from: 0,
            classes: classes,
            limit: 10_000,
            accepts: { $0 == 0 },
            next: { rest, byte in (0x30...0x39).contains(byte) ? (rest * 10 + Int(byte) - 0x30) % value : nil }
        )
    }

    // MARK: Strings

    mutating func string(_ facts: SchemaFacts) throws(GrammarError) -> Term {
        let quote = builder.terms.literal("\"".utf8)
        if facts.patterns.isEmpty, facts.formats.isEmpty {
            let (least, most) = (facts.lengths.minimum, facts.lengths.maximum)
            if facts.lengths.isAll { return json.string }
            let characters = builder.terms.repetition(json.character, least, most)
            return builder.terms.sequence([quote, characters, quote])
        }
        let expressions = try expressions(facts)
        guard expressions.count > 1 || !facts.lengths.isAll else {
            let content = expressions[0].tree.term(in: &builder.terms) { JSONTerms.character(of: $1, &$0) }
            try builder.check(expressions[0].path)
            return builder.terms.sequence([quote, content, quote])
        }
        let content = builder.machine(try all(of: expressions, facts.lengths))
        return builder.terms.sequence([quote, content, quote])
    }

    /// The patterns of a string, as expressions for all of it.
    private func expressions(_ facts: SchemaFacts) throws(GrammarError) -> [(tree: RegexTree, path: String)] {
        var expressions: [(tree: RegexTree, path: String)] = []
        for pattern in facts.patterns { expressions.append((try Self.searched(pattern), pattern.path)) }
        for format in facts.formats {
            let name = try format.string()
            guard let expression = StringFormats.expressions[name] else {
                let known = StringFormats.expressions.keys.sorted().joined(separator: ", ")
                throw format.error("the format \(name.prefix(40)) is not supported; supported are \(known)")
            }
            guard let tree = try RegexParser.parse(expression).whole else { throw tooComplex(format.path) }
            expressions.append((tree, format.path))
        }
        return expressions
    }

    static func searched(_ pattern: SchemaPart) throws(GrammarError) -> RegexTree {
        let any = RegexTree.repetition(.character(.all), minimum: 0, maximum: nil)
        let tree: RegexTree
        do throws(GrammarError) {
            tree = try RegexParser.parse(pattern.string())
        } catch {
            throw GrammarError(pattern.path, error.description)
        }
        guard let searched = tree.searched(any: any) else {
            throw pattern.error("^ and $ are supported at the beginning and the end of a pattern only")
        }
        return searched
    }

    /// The strings, without their quotes, that match several expressions and have a length.
    func all(
        of expressions: [(tree: RegexTree, path: String)],
        _ lengths: SchemaFacts.CountRange
    ) throws(GrammarError) -> FiniteAutomaton {
        var result: FiniteAutomaton?
        var trees = expressions
        if !lengths.isAll {
            let any = RegexTree.character(.all)
            let tree = RegexTree.repetition(any, minimum: lengths.minimum, maximum: lengths.maximum)
            trees.append((tree, expressions.first?.path ?? "$"))
        }
        for (tree, path) in trees {
            var terms = TermTable()
            let term = tree.term(in: &terms) { JSONTerms.character(of: $1, &$0) }
            guard let next = try automaton(terms, term, path) else { return .none }
            guard let both = result.map({ $0.intersection(next, limit: limits.automatonStates) }) ?? next else {
                throw tooComplex(path)
            }
            result = both
        }
        return result ?? .none
    }

    /// - Returns: nil if there is no text.
    func automaton(_ terms: TermTable, _ term: Term, _ path: String) throws(GrammarError) -> FiniteAutomaton? {
        guard term != .nothing else { return nil }
        var part = GrammarBuilder(limits: limits)
        part.terms = terms
        let grammar: Grammar
        do throws(GrammarError) {
            grammar = try Grammar(part, root: term, limits: limits)
        } catch {
            throw GrammarError(path, error.reason)
        }
        guard let automaton = FiniteAutomaton(grammar, limit: limits.automatonStates) else { throw tooComplex(path) }
        return automaton
    }

    func tooComplex(_ path: String) -> GrammarError {
        GrammarError(path, "it becomes too large together with the other keywords; use simpler patterns or less length")
    }
}
