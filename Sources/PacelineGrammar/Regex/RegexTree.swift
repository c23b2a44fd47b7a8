/// A regular expression.
indirect enum RegexTree {
    case empty
    case character(CodePointSet)
    case sequence([RegexTree])
    case choice([RegexTree])
    case repetition(RegexTree, minimum: Int32, maximum: Int32?)
    /// `^` and `$`.
    case textStart
    case textEnd

    /// Whether it is an assertion and nothing else.
    private var isStart: Bool { if case .textStart = self { true } else { false } }
    private var isEnd: Bool { if case .textEnd = self { true } else { false } }

    private var hasAnchor: Bool {
        switch self {
        case .empty, .character: false
        case .textStart, .textEnd: true
        case .sequence(let parts), .choice(let parts): parts.contains(where: \.hasAnchor)
        case .repetition(let part, _, _): part.hasAnchor
        }
    }

    /// The expression whose whole matches are the texts in which this one is found somewhere.
    ///
    /// - Returns: nil where an anchor stands in the middle.
    func searched(any: RegexTree) -> RegexTree? {
        switch self {
        case .choice(let parts):
            let searched = parts.compactMap { $0.searched(any: any) }
            return searched.count == parts.count ? .choice(searched) : nil
        case .sequence(let parts) where parts.count == 1: return parts[0].searched(any: any)
        case .sequence(var parts):
            let starts = !parts.prefix(while: \.isStart).isEmpty
            parts.removeFirst(parts.prefix(while: \.isStart).count)
            var ends = false
            while let last = parts.last, last.isEnd {
                ends = true
                parts.removeLast()
            }
            if starts, ends, parts.count == 1 { return parts[0].hasAnchor ? nil : parts[0] }
            guard !parts.contains(where: \.hasAnchor) else { return nil }
            return .sequence((starts ? [] : [any]) + parts + (ends ? [] : [any]))
        case .textStart, .textEnd: return any
        case .empty, .character, .repetition: return hasAnchor ? nil : .sequence([any, self, any])
        }
    }

    /// The expression without anchors, where it must match the whole text anyway.
    var whole: RegexTree? {
        switch self {
        case .choice(let parts):
            let whole = parts.compactMap(\.whole)
            return whole.count == parts.count ? .choice(whole) : nil
        case .sequence(var parts):
            parts.removeFirst(parts.prefix(while: \.isStart).count)
            while let last = parts.last, last.isEnd { parts.removeLast() }
            if parts.count == 1 { return parts[0].whole }
            return parts.contains(where: \.hasAnchor) ? nil : .sequence(parts)
        case .textStart, .textEnd: return .empty
        case .empty, .character, .repetition: return hasAnchor ? nil : self
        }
    }

    /// - Parameter character: the term of one character of a set; asked once for each set.
    func term(
        in table: inout TermTable,
        character: (inout TermTable, CodePointSet) -> Term
    ) -> Term {
        // A class of letters has hundreds of ranges, and hostile patterns have it thousands of times.
        var known: [CodePointSet: Term] = [:]
        return made(in: &table) { table, set in
            if let term = known[set] { return term }
            let term = character(&table, set)
            known[set] = term
            return term
        }
    }

    private func made(
        in table: inout TermTable,
        _ character: (inout TermTable, CodePointSet) -> Term
    ) -> Term {
        switch self {
        case .empty, .textStart, .textEnd: .end
        case .character(let set): character(&table, set)
        case .sequence(let parts): table.sequence(parts.map { $0.made(in: &table, character) })
        case .choice(let parts): table.choice(parts.map { $0.made(in: &table, character) })
        case .repetition(let part, let minimum, let maximum):
            table.repetition(part.made(in: &table, character), minimum, maximum)
        }
    }
}
