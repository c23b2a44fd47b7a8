/// The acceptance rules that a user can name in the laboratory. The cluster accepts by ``sampleMatch`` alone.
package enum AcceptanceName: String, CaseIterable, Sendable, Hashable {
    case sampleMatch = "sample-match"
    case leviathan
    case specInfer = "specinfer"
    case recursive
    case kSequential = "k-seq"
    case block
    case multiPath = "multi-path"
    case traversal
    case typical

    /// What a rule promises about the text.
    package enum Guarantee: String, Sendable {
        /// Plain decoding's text, token for token.
        case tokens
        /// A text with the target's distribution. It is another one than plain decoding's, and depends on the drafts.
        case law
        /// Nothing: its texts do not follow the target's distribution.
        case lossy
    }

    package var guarantee: Guarantee {
        switch self {
        case .sampleMatch: .tokens
        case .typical: .lossy
        default: .law
        }
    }

    /// What a rule compares the target's distribution with.
    enum Drafts {
        /// No more than the tokens: any tree will do.
        case tokens
        /// The distribution of each token of a chain.
        case chain
        /// The same of siblings that were drawn independently of each other, so that they may be equal.
        case independent
        /// The same of siblings that were each drawn from what earlier ones left.
        case distinct
    }

    var drafts: Drafts {
        switch self {
        case .sampleMatch, .typical: .tokens
        case .leviathan, .block: .chain
        case .specInfer, .kSequential, .multiPath: .independent
        case .recursive, .traversal: .distinct
        }
    }

    /// The rule, if it compares distributions.
    var rejection: (any RejectionRule)? {
        switch self {
        case .sampleMatch, .typical: nil
        case .leviathan, .specInfer, .recursive: RecursiveRejection()
        case .kSequential: KSequentialSelection()
        case .block: BlockVerification()
        case .multiPath: MultiPathBlockVerification()
        case .traversal: TraversalVerification()
        }
    }

    /// Reads names with commas between.
    package static func list(_ text: String) throws(AcceptanceNameError) -> [AcceptanceName] {
        var names: [AcceptanceName] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let name = AcceptanceName(rawValue: String(part)) else { throw .name(String(part)) }
            names.append(name)
        }
        return names
    }
}

/// Why there is no such acceptance rule.
package enum AcceptanceNameError: Error, Hashable, CustomStringConvertible {
    case name(String)

    package var description: String {
        switch self {
        case .name(let name):
            "there is no acceptance rule \"\(name)\"; there are "
                + AcceptanceName.allCases.map(\.rawValue).joined(separator: ", ")
        }
    }
}

extension AcceptanceName {
    /// Why the rule cannot go with a planner and a drafter, as a sentence that says what to use; nil if it can.
    ///
    /// - Parameters:
    ///   - planner: nil for best-first growth.
    ///   - isDrawn: whether the drafter tells its distribution, so that tokens are drawn from it. Otherwise it proposes
    ///     tokens for certain: each came from a distribution that has only this token.
    package func objection(to planner: PlannerSettings?, isDrawn: Bool) -> String? {
        guard rejection != nil else { return nil }
        let name = planner?.name ?? .bestFirst
        if !isDrawn, drafts == .independent {
            return "it needs several independent draws from a drafter's distribution, which only a model alone gives; "
                + "use leviathan, block, recursive or traversal"
        }
        if drafts == .chain, !name.makesChains {
            return "it verifies a chain, and \(name.rawValue) drafts a tree; use --planner chain"
        }
        guard isDrawn else { return nil }
        if name.choosesByTokens || (planner?[.threshold] ?? 0) > 0 && name == .dySpec {
            return "\(planner?.description ?? name.rawValue) chooses nodes by the tokens that were drawn, which would "
                + "make the text inexact; use best-first, chain, tree, dyspec, sequoia, rsd-c or rsd-s"
        }
        let budget = MethodBudget(planner: planner, acceptance: self)
        guard DrawnShape(budget) == nil else { return nil }
        if self == .multiPath, name == .tree { return "it knows chains that part at the base; use best-first or chain" }
        return name.makesChains
            ? "\(name.rawValue) ends chains by what look-ups and models propose, and draws none; use chain"
            : "its siblings are drawn independently, and those of \(name.rawValue) are distinct; "
                + "use best-first or chain"
    }
}

extension PlannerName {
    /// Whether all of its trees are chains, or can be.
    fileprivate var makesChains: Bool {
        switch self {
        case .bestFirst, .chain, .entropyStop, .confidenceStop, .goodput: true
        default: false
        }
    }

    /// Whether it looks at the probability of the tokens that were drawn, and leaves nodes out by it.
    fileprivate var choosesByTokens: Bool {
        switch self {
        case .dynamicTree, .optTree: true
        default: false
        }
    }
}
