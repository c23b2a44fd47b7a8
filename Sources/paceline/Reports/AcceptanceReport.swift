import PacelineCluster
import PacelineSpeculation

/// What `bench acceptance` prints.
struct AcceptanceReport: Encodable {
    /// One prompt, or all of them.
    struct Figures: Encodable {
        enum CodingKeys: String, CodingKey {
            case category
            case tokens = "completion_tokens"
            case drafts = "num_drafts"
            case drafted = "num_draft_tokens"
            case accepted = "num_accepted_tokens"
            case length = "mean_acceptance_length"
            case rate = "draft_acceptance_rate"
        }

        var category: String
        var tokens: Int
        var drafts: Int
        var drafted: Int
        var accepted: Int
        var length: Double
        var rate: Double

        init(_ category: String, _ statistics: AcceptanceStatistics, tokens: Int) {
            self.category = category
            self.tokens = tokens
            drafts = statistics.drafts
            drafted = statistics.draftedTokens
            accepted = statistics.acceptedTokens
            length = statistics.meanAcceptanceLength ?? 1
            rate = statistics.acceptanceRate ?? 0
        }
    }

    var model: String
    var drafters: [String]
    private(set) var prompts: [Figures] = []
    private(set) var all = Figures("all", AcceptanceStatistics(), tokens: 0)
    private var total = AcceptanceStatistics()

    enum CodingKeys: String, CodingKey {
        case model, drafters, prompts, all
    }

    init(model: String, drafters: [String]) {
        self.model = model
        self.drafters = drafters
    }

    mutating func add(_ category: String, _ outcome: AcceptanceBenchmark.Outcome) {
        total += outcome.statistics
        prompts.append(Figures(category, outcome.statistics, tokens: outcome.tokens.count))
        all = Figures("all", total, tokens: all.tokens + outcome.tokens.count)
    }

    var table: String {
        var table = TextTable(
            header: ["prompt", "category", "tokens", "rounds", "drafted", "accepted", "mean length", "rate"],
            rightAligned: [0, 2, 3, 4, 5, 6, 7]
        )
        for (index, figures) in prompts.enumerated() { table.append(["\(index + 1)"] + row(figures)) }
        table.append([""] + row(all))
        return table.text
    }

    private func row(_ figures: Figures) -> [String] {
        [
            figures.category, "\(figures.tokens)", "\(figures.drafts)", "\(figures.drafted)", "\(figures.accepted)",
            figures.length.formatted(decimals: 2), "\((figures.rate * 100).formatted(decimals: 0)) %",
        ]
    }
}
