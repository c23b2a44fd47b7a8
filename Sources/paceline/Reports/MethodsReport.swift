import PacelineSpeculation

/// What `bench methods` prints.
struct MethodsReport: Encodable {
    struct Row: Encodable {
        var method: String
        var prompts: Int
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
            case method, prompts, passes
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

    /// - Parameters:
    ///   - settings: what the figures depend on, by the name of its option.
    ///   - cells: in the order of ways of sampling, prompts and methods.
    init(model: String, settings: [String: String], cells: [MethodCell]) {
        self.model = model
        self.settings = settings
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

    /// A table for each category.
    var text: String {
        tables.map(\.text).joined(separator: "\n")
    }
}

extension MethodsReport.Table {
    init(_ sampling: String, _ category: String, _ cells: [MethodCell]) {
        self.sampling = sampling
        self.category = category
        methods = MethodsReport.distinct(cells.map(\.method)).map { method in
            MethodsReport.Row(method, MethodSummary(cells.filter { $0.method == method }))
        }
    }

    /// Depths with a column.
    private static let depths = [1, 2, 4, 8, 16, 32]

    var text: String {
        let isLive = methods.contains { $0.verifying != nil }
        let deepest = methods.map(\.acceptance.count).max() ?? 0
        let depths = Self.depths.filter { $0 <= deepest }
        let live = isLive ? ["verifying", "tokens/s", "speed-up", "worst"] : []
        let header =
            ["method", "tokens/pass", "mean length"] + depths.map { "depth \($0)" }
            + ["drafted", "wasted", "drafting"] + live
        var table = TextTable(header: header, rightAligned: Set(1..<header.count))
        for row in methods { table.append(row.cells(depths: depths, isLive: isLive)) }
        let count = methods.map(\.prompts).max() ?? 0
        let noun = count == 1 ? "prompt" : "prompts"
        return "\(category), \(sampling), \(count) \(noun)\n\(table.text)"
    }
}

extension MethodsReport.Row {
    init(_ method: String, _ summary: MethodSummary) {
        let figures = summary.figures
        self.method = method
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
        return [method, tokensPerPass.formatted(decimals: 2), length.formatted(decimals: 2)] + shares
            + ["\(drafted)", "\(wasted)", drafting.formatted(decimals: 2) + " ms"] + (isLive ? live : [])
    }
}
