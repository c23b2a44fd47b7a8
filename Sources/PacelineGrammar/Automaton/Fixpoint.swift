/// The smallest set of terms with a property that depends on the parts of a term, rules included.
struct Fixpoint {
    private let terms: TermTable
    private let bodies: [Term]
    /// The terms that each term is a part of.
    private var parents: [[Int32]]

    init(_ terms: TermTable, _ bodies: [Term]) {
        (self.terms, self.bodies) = (terms, bodies)
        parents = Array(repeating: [], count: terms.count)
        for (index, node) in terms.nodes.enumerated() {
            for part in Self.parts(node, bodies) { parents[Int(part.index)].append(Int32(index)) }
        }
    }

    static func parts(_ node: TermNode, _ bodies: [Term]) -> [Term] {
        switch node {
        case .nothing, .end, .byte, .literal, .machine: []
        case .sequence(let first, let second): [first, second]
        case .choice(let terms): terms
        case .repetition(let term, _, _): [term]
        case .rule(let rule): [bodies[Int(rule)]]
        }
    }

    /// - Parameter property: whether a term has the property if its parts have it where `holds` says so; it must not
    ///   turn false when more parts have it.
    func solve(_ property: (TermNode, _ holds: (Term) -> Bool) -> Bool) -> [Bool] {
        var result = [Bool](repeating: false, count: terms.count)
        var pending = Array((0..<Int32(terms.count)).reversed())
        while let index = pending.popLast() {
            guard !result[Int(index)], property(terms.nodes[Int(index)], { result[Int($0.index)] }) else { continue }
            result[Int(index)] = true
            pending += parents[Int(index)]
        }
        return result
    }
}

/// How many steps lie between a term and the first byte of its texts.
struct LeftDepth {
    private let terms: TermTable
    private let bodies: [Term]
    private let nullable: [Bool]

    init(_ terms: TermTable, _ bodies: [Term], _ nullable: [Bool]) {
        (self.terms, self.bodies, self.nullable) = (terms, bodies, nullable)
    }

    private func leftParts(_ index: Int32) -> [Term] {
        let node = terms.nodes[Int(index)]
        if case .sequence(let first, _) = node, !nullable[Int(first.index)] { return [first] }
        return Fixpoint.parts(node, bodies)
    }

    /// - Throws: ``GrammarError`` if a rule begins with itself, or a depth exceeds the limit.
    func check(limit: Int) throws(GrammarError) {
        // 0: not seen, -1: on the path from the current start, otherwise the depth.
        var depths = [Int](repeating: 0, count: terms.count)
        for start in 0..<Int32(terms.count) where depths[Int(start)] == 0 {
            var stack: [(index: Int32, parts: [Term])] = [(start, leftParts(start))]
            depths[Int(start)] = -1
            while let (index, parts) = stack.last {
                if let next = parts.last {
                    stack[stack.count - 1].parts.removeLast()
                    switch depths[Int(next.index)] {
                    case -1: throw Self.leftRecursion
                    case 0:
                        depths[Int(next.index)] = -1
                        stack.append((next.index, leftParts(next.index)))
                    default: break
                    }
                    continue
                }
                let depth = 1 + (leftParts(index).map { depths[Int($0.index)] }.max() ?? 0)
                guard depth <= limit else { throw Self.tooDeep }
                depths[Int(index)] = depth
                stack.removeLast()
            }
        }
    }

    private static let leftRecursion = GrammarError(
        "",
        "a rule refers to itself before it takes any text; let it take something first, or use a repetition"
    )
    private static let tooDeep = GrammarError("", "it is nested too deeply; make it flatter")
}
