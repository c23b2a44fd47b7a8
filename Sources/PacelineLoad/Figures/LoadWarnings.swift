/// What makes the figures of a load test doubtful, in sentences for its reader.
package struct LoadWarnings: Sendable, Hashable {
    /// A generator that is later than this, in milliseconds, did not keep its schedule.
    private static let tolerableLag = 10.0

    package private(set) var sentences: [String] = []

    /// - Parameters:
    ///   - results: the figures of each way of asking, with its name.
    ///   - reachedOutstandingLimit: whether requests waited because too many were under way.
    package init(
        _ results: [(name: String, figures: LoadFigures)],
        comparison: LoadComparison?,
        reachedOutstandingLimit: Bool,
        isInterrupted: Bool
    ) {
        if isInterrupted { sentences.append("the test was ended before its time; the figures are those so far") }
        if reachedOutstandingLimit {
            sentences.append(
                "more requests were due than may be under way, and some were sent late; what they waited counts, but "
                    + "the server got less load than stated: raise --max-concurrency, or lower --rate"
            )
        }
        for (name, figures) in results {
            // Requests that had to wait for others are late through no fault of this program.
            if !reachedOutstandingLimit { addLag(name, figures) }
            add(name, figures)
        }
        if let comparison, comparison.equalTexts < comparison.comparedTexts {
            let different = comparison.comparedTexts - comparison.equalTexts
            sentences.append(
                "\(different) of \(comparison.comparedTexts) texts differ between plain and speculative decoding"
            )
        }
    }

    private mutating func addLag(_ name: String, _ figures: LoadFigures) {
        let subject = name == "all" ? "" : "\(name): "
        if let lag = LatencySummary(figures.histogram(.scheduleLag)), lag.p99 > Self.tolerableLag {
            sentences.append(
                "\(subject)this program could not keep up: 1 % of the requests were sent more than "
                    + "\(Int(lag.p99)) ms late, which is part of ttft and e2e; run it on a machine of its own"
            )
        }
    }

    private mutating func add(_ name: String, _ figures: LoadFigures) {
        let subject = name == "all" ? "" : "\(name): "
        if figures.uncountedAnswers > 0 {
            sentences.append(
                "\(subject)the server gave no usage for \(figures.uncountedAnswers) answers; their tokens were counted "
                    + "as one for each part"
            )
        }
        let answered = figures.completed
        if (1..<1000).contains(answered) {
            sentences.append("\(subject)with \(answered) answers, p99.9 of ttft, tpot and e2e is that of the slowest")
        }
        if figures.abandoned > 0 {
            sentences.append("\(subject)\(figures.abandoned) requests were given up and count in no latency")
        }
    }
}
