import PacelineSpeculation

/// The figures of all measured requests of a run.
///
/// Latencies are kept in microseconds to three digits, up to an hour; what takes longer counts as an hour.
package struct LoadFigures: Sendable {
    /// What a histogram is of. The raw values are the names in reports.
    package enum Latency: String, Sendable, Hashable, CaseIterable {
        case timeToFirstToken = "ttft"
        case interToken = "itl"
        case timePerOutputToken = "tpot"
        case endToEnd = "e2e"
        /// From the intended time until a server that was full said so.
        case refusal
        /// How late requests were sent.
        case scheduleLag = "schedule_lag"
    }

    /// The layout of all histograms here.
    package static let layout = HDRHistogram.Layout(lowest: 1, highest: 3_600_000_000, significantDigits: 3)

    private let limits: GoodputLimits?
    private var histograms: [Latency: HDRHistogram] = [:]
    /// Requests that were sent, and those of them that were answered to the end.
    package private(set) var sent = 0
    package private(set) var completed = 0
    /// Answered requests that kept all limits.
    package private(set) var good = 0
    /// Requests that this program gave up when it was told to end.
    package private(set) var abandoned = 0
    package private(set) var failures: [RequestFailure: Int] = [:]
    /// Tokens of the answered requests.
    package private(set) var promptTokens = 0
    package private(set) var outputTokens = 0
    /// Drafted and accepted tokens of the answers whose server says so.
    package private(set) var draftedTokens: Int?
    package private(set) var acceptedTokens: Int?
    /// Answers whose tokens were counted by parts, because their server did not say.
    package private(set) var uncountedAnswers = 0
    /// The first example of each failure.
    package private(set) var notes: [RequestFailure: String] = [:]
    private var span: Span?
    /// The lengths of the runs that were merged into this one.
    private var merged: (elapsed: Duration, scheduled: Duration) = (.zero, .zero)

    /// When requests were due and when they ended.
    private struct Span {
        var firstIntended: Duration
        var lastIntended: Duration
        var lastEnd: Duration
    }

    package init(limits: GoodputLimits? = nil) {
        self.limits = limits
    }

    /// Adds a request. Those of the warm-up are passed over.
    package mutating func add(_ record: RequestRecord) {
        guard record.request.isMeasured else { return }
        sent += 1
        self.record(record.lag, as: .scheduleLag)
        switch record.outcome {
        case .completed: addCompleted(record)
        case .failed(let failure):
            failures[failure, default: 0] += 1
            if notes[failure] == nil { notes[failure] = record.note }
            if failure.isRefusal { self.record(record.latency, as: .refusal) }
        case .abandoned: abandoned += 1
        }
        let intended = record.request.intended
        var span = span ?? Span(firstIntended: intended, lastIntended: intended, lastEnd: record.ended)
        span.firstIntended = min(span.firstIntended, intended)
        span.lastIntended = max(span.lastIntended, intended)
        span.lastEnd = max(span.lastEnd, record.ended)
        self.span = span
    }

    private mutating func addCompleted(_ record: RequestRecord) {
        completed += 1
        outputTokens += record.outputTokens
        promptTokens += record.usage?.promptTokens ?? 0
        if record.usage == nil { uncountedAnswers += 1 }
        if let drafted = record.usage?.draftedTokens { draftedTokens = (draftedTokens ?? 0) + drafted }
        if let accepted = record.usage?.acceptedTokens { acceptedTokens = (acceptedTokens ?? 0) + accepted }
        if let limits, limits.isKept(by: record) { good += 1 }
        if let time = record.timeToFirstToken { self.record(time, as: .timeToFirstToken) }
        for gap in record.gaps { self.record(gap, as: .interToken) }
        if let time = record.timePerOutputToken { self.record(time, as: .timePerOutputToken) }
        self.record(record.latency, as: .endToEnd)
    }

    private mutating func record(_ duration: Duration, as latency: Latency) {
        let microseconds = Int(duration.saturatedNanoseconds / 1000)
        histograms[latency, default: HDRHistogram(Self.layout)]
            .record(min(max(0, microseconds), Self.layout.highest))
    }

    /// Adds the figures of another run.
    package mutating func merge(_ other: LoadFigures) {
        for (latency, histogram) in other.histograms {
            histograms[latency, default: HDRHistogram(Self.layout)].merge(histogram)
        }
        sent += other.sent
        completed += other.completed
        good += other.good
        abandoned += other.abandoned
        failures.merge(other.failures, uniquingKeysWith: +)
        promptTokens += other.promptTokens
        outputTokens += other.outputTokens
        if let more = other.draftedTokens { draftedTokens = (draftedTokens ?? 0) + more }
        if let more = other.acceptedTokens { acceptedTokens = (acceptedTokens ?? 0) + more }
        uncountedAnswers += other.uncountedAnswers
        notes.merge(other.notes) { own, _ in own }
        merged = (merged.elapsed + other.elapsed, merged.scheduled + other.scheduled)
    }

    /// The distribution of a latency, in microseconds; empty if there was none.
    package func histogram(_ latency: Latency) -> HDRHistogram {
        histograms[latency] ?? HDRHistogram(Self.layout)
    }

    /// From the first measured request's intended time to the last one's end; summed over runs.
    package var elapsed: Duration {
        merged.elapsed + (span.map { $0.lastEnd - $0.firstIntended } ?? .zero)
    }

    /// From the first measured request's intended time to the last one's; summed over runs.
    private var scheduled: Duration {
        merged.scheduled + (span.map { $0.lastIntended - $0.firstIntended } ?? .zero)
    }

    /// How often this happened for each second of `elapsed`; 0 without any time.
    package func rate(_ count: Int) -> Double {
        let seconds = elapsed.inMilliseconds / 1000
        return seconds > 0 ? Double(count) / seconds : 0
    }

    /// Requests a second that were due; nil with fewer than two.
    package var offeredRate: Double? {
        let seconds = scheduled.inMilliseconds / 1000
        return sent > 1 && seconds > 0 ? Double(sent - 1) / seconds : nil
    }
}
