/// Speculative figures beside plain ones of the same run: each number is speculative divided by plain.
package struct LoadComparison: Encodable, Sendable {
    package var outputTokens: Double?
    /// The same for each pair of turns, which tells how steady the ratio is.
    package var outputTokensByPair: [Double]
    /// By the latency's name.
    package var medians: [String: Double]
    package var p99: [String: Double]
    /// Prompts that both answered, and how many of the texts were the same.
    package var comparedTexts: Int
    package var equalTexts: Int

    enum CodingKeys: String, CodingKey {
        case medians, p99
        case outputTokens = "output_tokens_per_s"
        case outputTokensByPair = "output_tokens_per_s_by_pair"
        case comparedTexts = "compared_texts"
        case equalTexts = "equal_texts"
    }

    /// - Parameters:
    ///   - pairs: the figures of each plain turn and of the speculative one beside it.
    ///   - texts: how the texts of both compare.
    package init(_ pairs: [(plain: LoadFigures, speculative: LoadFigures)], texts: TextComparison) {
        var (plain, speculative) = (LoadFigures(), LoadFigures())
        for pair in pairs {
            plain.merge(pair.plain)
            speculative.merge(pair.speculative)
        }
        func tokenRate(_ figures: LoadFigures) -> Double { figures.rate(figures.outputTokens) }
        outputTokens = Self.ratio(tokenRate(speculative), tokenRate(plain))
        outputTokensByPair = pairs.compactMap { Self.ratio(tokenRate($0.speculative), tokenRate($0.plain)) }
        (medians, p99) = ([:], [:])
        for latency in [LoadFigures.Latency.timeToFirstToken, .interToken, .timePerOutputToken, .endToEnd] {
            guard let before = LatencySummary(plain.histogram(latency)),
                let after = LatencySummary(speculative.histogram(latency))
            else { continue }
            medians[latency.rawValue] = Self.ratio(after.median, before.median)
            p99[latency.rawValue] = Self.ratio(after.p99, before.p99)
        }
        (comparedTexts, equalTexts) = (texts.compared, texts.equal)
    }

    private static func ratio(_ value: Double, _ base: Double) -> Double? {
        base > 0 ? value / base : nil
    }
}

/// Compares the texts of two turns with the same prompts.
package struct TextComparison: Sendable, Hashable {
    package private(set) var compared = 0
    package private(set) var equal = 0
    /// Hashes of the texts that wait for their counterpart, by the request's ordinal.
    private var waiting: [Int: UInt64] = [:]

    package init() {}

    /// Takes an answered request of either turn.
    package mutating func add(_ record: RequestRecord) {
        guard record.outcome == .completed else { return }
        guard let other = waiting.removeValue(forKey: record.request.ordinal) else {
            waiting[record.request.ordinal] = record.textHash
            return
        }
        compared += 1
        if other == record.textHash { equal += 1 }
    }

    /// Forgets what waits, because the next turns have other prompts.
    package mutating func nextPair() {
        waiting = [:]
    }
}
