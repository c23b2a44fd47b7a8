import ArgumentParser
import PacelineCluster
import PacelineSpeculation

/// With what planners and acceptance rules each method is tried.
struct VariantOptions: ParsableArguments {
    @Option(
        name: .customLong("planner"),
        parsing: .singleValue,
        help: ArgumentHelp(
            """
            What shapes drafted trees; several, with commas between, are compared in one run (default: best-first, \
            which expands the most probable paths). Methods of the literature: chain, tree (k-ary), eagle-2, opt-tree, \
            dyspec, sequoia, rsd-c, rsd-s, adaedl, specdec++ and goodput. Settings follow a colon: \
            best-first,chain:length=5,eagle-2:width=10,depth=6. None changes a token of sample-match.
            """,
            valueName: "name[:key=value,…][,name…]"
        ),
        transform: { try Self.planners($0) }
    )
    var plannerLists: [[PlannerSettings]] = []

    @Option(
        name: .customLong("acceptance"),
        parsing: .singleValue,
        help: ArgumentHelp(
            """
            What decides about a tree; several, with commas between, are compared in one run (default: sample-match, \
            the rule of the cluster). Rules that compare the target's distribution with the drafter's: leviathan and \
            block (a chain), specinfer, k-seq and multi-path (independent siblings), recursive and traversal (distinct \
            siblings). typical is lossy.
            """,
            valueName: "name[,name…]"
        ),
        transform: { try AcceptanceName.list($0) }
    )
    var acceptanceLists: [[AcceptanceName]] = []

    func validate() throws {
        for (index, planner) in planners.enumerated() where planners[..<index].contains(planner) {
            throw ValidationError("--planner names \(planner) twice; name each planner once")
        }
        for (index, rule) in rules.enumerated() where rules[..<index].contains(rule) {
            throw ValidationError("--acceptance names \(rule.rawValue) twice; name each rule once")
        }
    }

    var rules: [AcceptanceName] {
        let given = acceptanceLists.flatMap(\.self)
        return given.isEmpty ? [.sampleMatch] : given
    }

    private var planners: [PlannerSettings] { plannerLists.flatMap(\.self) }

    /// Each method with each planner and each rule.
    func variants(of methods: [Laboratory.Method]) -> [Laboratory.Method] {
        let planners: [PlannerSettings?] = planners.isEmpty ? [nil] : planners
        return methods.flatMap { method in
            planners.flatMap { planner in
                rules.map { rule in
                    var variant = method
                    (variant.planner, variant.acceptance) = (planner, rule)
                    return variant
                }
            }
        }
    }

    /// Reads names with commas between, of which settings have some too: what looks like `key=value` belongs to the
    /// planner before it.
    private static func planners(_ text: String) throws(PlannerSettingsError) -> [PlannerSettings] {
        var words: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            let isSetting = part.prefix { $0 != "=" }.count < part.count && !part.prefix { $0 != "=" }.contains(":")
            if isSetting, let last = words.popLast() {
                words.append("\(last),\(part)")
            } else {
                words.append(part)
            }
        }
        return try words.map { word throws(PlannerSettingsError) in try PlannerSettings(word) }
    }
}

/// The methods that are compared, and those that cannot be.
struct MethodSelection {
    let methods: [Laboratory.Method]
    /// A sentence for each reason to leave some out.
    let leftOut: [String]

    /// - Throws: `ValidationError` if nothing is left.
    init(_ variants: [Laboratory.Method]) throws {
        methods = variants.filter { $0.objection == nil }
        var reasons: [(rule: AcceptanceName, reason: String, names: [String])] = []
        for variant in variants {
            guard let reason = variant.objection else { continue }
            if let known = reasons.firstIndex(where: { $0.rule == variant.acceptance && $0.reason == reason }) {
                if !reasons[known].names.contains(variant.name) { reasons[known].names.append(variant.name) }
            } else {
                reasons.append((variant.acceptance, reason, [variant.name]))
            }
        }
        leftOut = reasons.map {
            "\($0.rule.rawValue) is left out for \($0.names.joined(separator: ", ")): \($0.reason)"
        }
        guard !methods.isEmpty else { throw ValidationError(leftOut.first ?? "there is no method to compare") }
        guard methods.count <= 256 else {
            throw ValidationError(
                "\(methods.count) methods are too many; name fewer planners, rules or drafters, 256 at most"
            )
        }
    }
}
