import PacelineLoad

/// What `paceline bench serve` prints for people.
struct LoadReportText {
    private static let names: [(latency: LoadFigures.Latency, title: String)] = [
        (.timeToFirstToken, "time to first token (ttft)"), (.interToken, "between parts with text (itl)"),
        (.timePerOutputToken, "for each further token (tpot)"), (.endToEnd, "whole answer (e2e)"),
        (.refusal, "until refused"), (.scheduleLag, "lag of this program"),
    ]

    private let report: LoadReport

    init(_ report: LoadReport) {
        self.report = report
    }

    var text: String {
        ([heading] + report.results.map(section) + [comparison, warnings]).compactMap(\.self).joined(separator: "\n")
    }

    private var heading: String {
        let setting = report.setting
        var pace: [String] = []
        if let rate = setting.rate { pace.append("open loop, \(rate) requests/s (\(setting.arrivals ?? ""))") }
        if let concurrency = setting.concurrency { pace.append("closed loop, \(concurrency) requests at once") }
        if let seconds = setting.durationSeconds { pace.append("\(seconds) s") }
        if let requests = setting.requests { pace.append("\(requests) requests") }
        if setting.warmupSeconds > 0 { pace.append("after \(setting.warmupSeconds) s of warm-up") }
        if let turns = setting.turns { pace.append("\(turns) turns each") }
        let asked = [
            setting.url + setting.endpoint, setting.model, setting.prompts, "up to \(setting.maxTokens) tokens each",
        ]
        return asked.joined(separator: ", ") + "\n" + pace.joined(separator: ", ") + "; seed \(setting.seed)\n"
    }

    private func section(_ result: LoadResult) -> String {
        var table = TextTable()
        let failed = result.requests.failed.sorted { $0.key < $1.key }
        let requests = result.requests
        let counts =
            ["\(requests.sent) sent", "\(requests.completed) answered"] + failed.map { "\($0.value) × \($0.key)" }
        table.append(["requests", counts.joined(separator: ", ")])
        for (name, _) in failed {
            if let example = requests.examples[name] { table.append(["", "\(name): \(example)"]) }
        }
        let throughput = result.throughput
        let offered = throughput.offeredRequests.map { ", of \($0.formatted(decimals: 2)) offered" } ?? ""
        table.append(["requests/s", throughput.completedRequests.formatted(decimals: 2) + offered])
        let all = throughput.totalTokens.formatted(decimals: 1)
        table.append(["tokens/s", "\(throughput.outputTokens.formatted(decimals: 1)), with prompts \(all)"])
        if let goodput = result.goodput {
            let share = (100 * goodput.share).formatted(decimals: 1)
            let rate = goodput.requestsPerSecond.formatted(decimals: 2)
            table.append(["goodput", "\(rate) requests/s; \(goodput.requests) requests, \(share) %"])
        }
        if let drafted = result.tokens.drafted, let accepted = result.tokens.accepted, drafted > 0 {
            let share = (100 * Double(accepted) / Double(drafted)).formatted(decimals: 1)
            table.append(["drafted tokens", "\(drafted) verified, \(accepted) accepted, \(share) %"])
        }
        let title = result.name == "all" ? "" : result.name + "\n"
        return title + table.text + "\n" + latencies(result)
    }

    private func latencies(_ result: LoadResult) -> String {
        let header = ["milliseconds", "count", "mean", "p50", "p90", "p99", "p99.9", "max"]
        var table = TextTable(header: header, rightAligned: Set(1..<header.count))
        for (latency, title) in Self.names {
            guard let summary = result.latency(latency) else { continue }
            let values = [
                summary.mean, summary.median, summary.p90, summary.p99, summary.p999, summary.maximum,
            ]
            table.append([title, "\(summary.count)"] + values.map { $0.formatted(decimals: $0 < 100 ? 2 : 0) })
        }
        return table.text
    }

    private var comparison: String? {
        guard let comparison = report.comparison else { return nil }
        var table = TextTable(header: ["speculative ÷ plain", "", "p99"], rightAligned: [1, 2])
        func number(_ value: Double?) -> String { value.map { $0.formatted(decimals: 3) } ?? "" }
        let pairs = comparison.outputTokensByPair.map { $0.formatted(decimals: 3) }.joined(separator: ", ")
        table.append(["tokens/s", number(comparison.outputTokens), "", "by pair: \(pairs)"])
        for (latency, title) in Self.names {
            guard let median = comparison.medians[latency.rawValue] else { continue }
            table.append([title + ", p50", number(median), number(comparison.p99[latency.rawValue])])
        }
        let texts = "equal texts: \(comparison.equalTexts) of \(comparison.comparedTexts)\n"
        return table.text + texts
    }

    private var warnings: String? {
        report.warnings.isEmpty ? nil : report.warnings.map { "note: \($0)\n" }.joined()
    }
}
