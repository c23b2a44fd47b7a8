import PacelineSpeculation

/// What `bench methods` prints.
struct MethodsReport: Encodable {
    struct Row: Encodable {
        var method: String
        var planner: String
        var rule: String
        /// What the rule promises: "tokens", "law" or "lossy".
        var guarantee: String
        var prompts: Int
        /// Of them, those whose text is plain decoding's. The figures of others are of other texts.
        var plainTexts: Int
        var tokens: Int
        var passes: Int
        var tokensPerPass: Double
        var drafts: Int
        var drafted: Int
        var accepted: Int
        var wasted: Int
        var missed: Int
        var expected: Double
        var length: Double
        var rate: Double
        /// By depth, less 1.
        var acceptance: [Double]
        var deviation: [Double]
        var drafting: Double
        var verifying: Double?
        var tokensPerSecond: Double?
        var speedUp: Double?
        var worst: Double?

        enum CodingKeys: String, CodingKey {
            case method, planner, guarantee, prompts, passes
            case rule = "acceptance"
            case plainTexts = "prompts_with_plain_text"
            case tokens = "completion_tokens"
            case tokensPerPass = "tokens_per_pass"
            case drafts = "num_drafts"
            case drafted = "num_draft_tokens"
            case accepted = "num_accepted_tokens"
            case wasted = "num_wasted_tokens"
            case missed = "num_missed_corrections"
            case expected = "num_expected_tokens"
            case length = "mean_acceptance_length"
            case rate = "draft_acceptance_rate"
            case acceptance = "acceptance_by_depth"
            case deviation = "acceptance_by_depth_deviation"
            case drafting = "drafting_ms_per_pass"
            case verifying = "verifying_ms_per_pass"
            case tokensPerSecond = "tokens_per_second"
            case speedUp = "speed_up"
            case worst = "worst_speed_up"
        }
    }

    /// The methods on the prompts of one category, or on all, with one way of sampling.
    struct Table: Encodable {
        static let all = "all"

        var sampling: String
        var category: String
        var methods: [Row]
    }

    var model: String
    var settings: [String: String]
    var tables: [Table]
    /// Which methods could not be compared, and why.
    var leftOut: [String]

    enum CodingKeys: String, CodingKey {
        case model, settings, tables
        case leftOut = "left_out"
    }

    /// - Parameters:
    ///   - settings: what the figures depend on, by the name of its option.
    ///   - cells: in the order of ways of sampling, prompts and methods.
    init(model: String, settings: [String: String], cells: [MethodCell], leftOut: [String] = []) {
        self.model = model
        self.settings = settings
        self.leftOut = leftOut
        tables = Self.distinct(cells.map(\.sampling)).flatMap { sampling in
            let cells = cells.filter { $0.sampling == sampling }
            let categories = Self.distinct(cells.map(\.category))
            var tables = categories.map { category in
                Table(sampling, category, cells.filter { $0.category == category })
            }
            if categories.count > 1 { tables.append(Table(sampling, Table.all, cells)) }
            return tables
        }
    }

    static func distinct(_ values: [String]) -> [String] {
        values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// A table for each category, and what must be known about its rows.
    var text: String {
        let rows = tables.flatMap(\.methods)
        let columns = Columns(
            planner: rows.contains { $0.planner != PlannerName.bestFirst.rawValue },
            acceptance: rows.contains { $0.rule != AcceptanceName.sampleMatch.rawValue }
        )
        let notes = (rows.contains { $0.isOther } ? [Self.otherTexts] : []) + leftOut
        let pieces = tables.map { $0.text(columns) } + (notes.isEmpty ? [] : [notes.joined(separator: "\n") + "\n"])
        return pieces.joined(separator: "\n")
    }

    private static let otherTexts =
        "* figures of other texts than plain decoding's, which these rules give by design: in law the target's, "
        + "unless lossy"

    /// Which columns say something.
    struct Columns {
        var planner: Bool
        var acceptance: Bool
    }
}

extension MethodsReport.Table {
    init(_ sampling: String, _ category: String, _ cells: [MethodCell]) {
        self.sampling = sampling
        self.category = category
        var order: [MethodCell.Key] = []
        for cell in cells where !order.contains(where: { cell.key.isVariant(of: $0) }) { order.append(cell.key) }
        methods = order.map { key in
            MethodsReport.Row(key, MethodSummary(cells.filter { $0.key.isVariant(of: key) }))
        }
    }

    /// Depths with a column.
    private static let depths = [1, 2, 4, 8, 16, 32]

    fileprivate func text(_ columns: MethodsReport.Columns) -> String {
        let isLive = methods.contains { $0.verifying != nil }
        let deepest = methods.map(\.acceptance.count).max() ?? 0
        let depths = Self.depths.filter { $0 <= deepest }
        let live = isLive ? ["verifying", "tokens/s", "speed-up", "worst"] : []
        let names = ["method"] + (columns.planner ? ["planner"] : []) + (columns.acceptance ? ["acceptance"] : [])
        let header =
            names + ["tokens/pass", "mean length"] + depths.map { "depth \($0)" }
            + ["drafted", "wasted", "drafting"] + live
        var table = TextTable(header: header, rightAligned: Set(names.count..<header.count))
        for row in methods { table.append(row.names(columns) + row.cells(depths: depths, isLive: isLive)) }
        let count = methods.map(\.prompts).max() ?? 0
        let noun = count == 1 ? "prompt" : "prompts"
        return "\(category), \(sampling), \(count) \(noun)\n\(table.text)"
    }
}

extension MethodsReport.Row {
    init(_ key: MethodCell.Key, _ summary: MethodSummary) {
        let figures = summary.figures
        (method, planner, rule) = (key.method, key.planner, key.acceptance)
        guarantee = (AcceptanceName(rawValue: key.acceptance) ?? .sampleMatch).guarantee.rawValue
        plainTexts = summary.plainTexts
        prompts = summary.prompts
        tokens = figures.tokens
        passes = figures.passes
        tokensPerPass = figures.tokensPerPass ?? 0
        drafts = figures.drafts
        drafted = figures.drafted
        accepted = figures.accepted
        wasted = figures.wasted
        missed = figures.missed
        expected = figures.expected
        length = figures.meanAcceptanceLength ?? 1
        rate = figures.drafted > 0 ? Double(figures.accepted) / Double(figures.drafted) : 0
        acceptance = summary.acceptance.map(\.mean)
        deviation = summary.acceptance.map(\.deviation)
        drafting = summary.drafting ?? 0
        verifying = summary.verifying
        tokensPerSecond = summary.tokensPerSecond
        speedUp = summary.speedUp
        worst = summary.worst
    }

    /// Whether some of its texts are not plain decoding's.
    var isOther: Bool { plainTexts < prompts }

    /// What tells it from other rows of a plot.
    var label: String {
        let parts = [(planner, PlannerName.bestFirst.rawValue), (rule, AcceptanceName.sampleMatch.rawValue)]
        return ([method] + parts.filter { $0.0 != $0.1 }.map(\.0)).joined(separator: ", ")
    }

    fileprivate func names(_ columns: MethodsReport.Columns) -> [String] {
        let isLossy = guarantee == AcceptanceName.Guarantee.lossy.rawValue
        let decider = rule + (isLossy ? " (lossy)" : "") + (isOther ? " *" : "")
        return [method] + (columns.planner ? [planner] : []) + (columns.acceptance ? [decider] : [])
    }

    fileprivate func cells(depths: [Int], isLive: Bool) -> [String] {
        let shares = depths.map { depth in
            guard acceptance.count >= depth else { return "" }
            let (mean, deviation) = (acceptance[depth - 1] * 100, deviation[depth - 1] * 100)
            return "\(mean.formatted(decimals: 0)) ±\(deviation.formatted(decimals: 0))"
        }
        let live = [(verifying, 1, " ms"), (tokensPerSecond, 1, ""), (speedUp, 2, ""), (worst, 2, "")].map {
            value,
            decimals,
            unit in
            value.map { $0.formatted(decimals: decimals) + unit } ?? ""
        }
        return [tokensPerPass.formatted(decimals: 2), length.formatted(decimals: 2)] + shares
            + ["\(drafted)", "\(wasted)", drafting.formatted(decimals: 2) + " ms"] + (isLive ? live : [])
    }
}

extension MethodCell.Key {
    /// Whether both are of the same drafters, planner and rule.
    fileprivate func isVariant(of other: MethodCell.Key) -> Bool {
        (method, planner, acceptance) == (other.method, other.planner, other.acceptance)
    }
}
