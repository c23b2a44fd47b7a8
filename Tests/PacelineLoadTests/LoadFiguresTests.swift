import PacelineLoad
import PacelineSpeculation
import Testing

@Suite("Figures of a load test")
struct LoadFiguresTests {
    /// A request with text after `parts`, counted from when it was due.
    private func record(
        due: Duration = .zero,
        lag: Duration = .zero,
        parts: [Duration],
        end: Duration? = nil,
        tokens: Int? = nil,
        outcome: RequestOutcome = .completed,
        isMeasured: Bool = true
    ) -> RequestRecord {
        let request = ScheduledRequest(ordinal: 0, intended: due, isMeasured: isMeasured)
        var record = RequestRecord(request, sent: due + lag)
        for part in parts { record.take(text: "x", at: due + part) }
        if let tokens { record.take(AnswerUsage(promptTokens: 10, outputTokens: tokens)) }
        record.end(outcome, at: due + (end ?? parts.last ?? .zero))
        return record
    }

    private func milliseconds(_ values: Int...) -> [Duration] { values.map { .milliseconds($0) } }

    @Test func latenciesCountFromWhenTheRequestWasDue() {
        let late = record(due: .seconds(5), lag: .milliseconds(400), parts: milliseconds(500, 600), end: .seconds(1))
        #expect(late.timeToFirstToken == .milliseconds(500))
        #expect(late.latency == .seconds(1))
        #expect(late.lag == .milliseconds(400))
    }

    @Test func aPartOfSeveralTokensIsOneGapAndCountsAsItsTokens() {
        let record = record(parts: milliseconds(100, 200, 400), tokens: 7)
        #expect(record.gaps == milliseconds(100, 200))
        #expect(record.timePerOutputToken == .milliseconds(50))
    }

    @Test func withoutUsageEachPartIsAToken() {
        var figures = LoadFigures()
        figures.add(record(parts: milliseconds(100, 200, 400)))
        #expect(figures.outputTokens == 3)
        #expect(figures.uncountedAnswers == 1)
    }

    @Test func throughputIsOverTheTimeFromTheFirstDueTimeToTheLastEnd() {
        var figures = LoadFigures()
        // The one that was due first ends last.
        figures.add(record(due: .seconds(12), parts: milliseconds(100), end: .seconds(1), tokens: 40))
        figures.add(record(due: .seconds(10), parts: milliseconds(100), end: .seconds(10), tokens: 60))
        #expect(figures.elapsed == .seconds(10))
        #expect(figures.rate(figures.outputTokens) == 10)
        #expect(figures.offeredRate == 0.5)
    }

    @Test func theWarmUpIsNotCounted() {
        var figures = LoadFigures()
        figures.add(record(parts: milliseconds(100), tokens: 5, isMeasured: false))
        #expect(figures.sent == 0 && figures.outputTokens == 0 && figures.elapsed == .zero)
    }

    @Test func failuresAreCountedByKindAndOnlyRefusalsAreTimed() {
        var figures = LoadFigures()
        figures.add(record(parts: [], end: .milliseconds(3), outcome: .failed(RequestFailure(status: 429))))
        figures.add(record(parts: [], end: .milliseconds(5), outcome: .failed(RequestFailure(status: 503))))
        figures.add(record(parts: milliseconds(1), end: .milliseconds(9), outcome: .failed(.cut)))
        figures.add(record(parts: [], end: .milliseconds(9), outcome: .failed(RequestFailure(status: 404))))
        figures.add(record(parts: [], outcome: .abandoned))
        #expect(figures.failures == [.overloaded: 1, .unavailable: 1, .cut: 1, .status: 1])
        #expect(figures.histogram(.refusal).totalCount == 2)
        #expect(figures.histogram(.timeToFirstToken).totalCount == 0)
        #expect(figures.completed == 0 && figures.abandoned == 1 && figures.sent == 5)
    }

    @Test func mergedFiguresAreThoseOfBothRuns() {
        var (first, second) = (LoadFigures(), LoadFigures())
        first.add(record(parts: milliseconds(100), end: .seconds(2), tokens: 5))
        second.add(record(due: .seconds(7), parts: milliseconds(300), end: .seconds(3), tokens: 10))
        first.merge(second)
        #expect(first.elapsed == .seconds(5))
        #expect(first.rate(first.outputTokens) == 3)
        #expect(first.histogram(.timeToFirstToken).totalCount == 2)
        #expect(first.completed == 2)
    }

    @Test func whatTakesLongerThanAnHourCountsAsAnHour() {
        var figures = LoadFigures()
        figures.add(record(parts: [.seconds(7200)], tokens: 1))
        #expect(figures.histogram(.timeToFirstToken).totalCount == 1)
        #expect(figures.histogram(.timeToFirstToken).maximum >= 3_600_000_000)
    }

    // MARK: Goodput

    @Test func aRequestIsGoodIfItKeepsEveryLimit() throws {
        let limits = try GoodputLimits("ttft:200ms,itl:50ms,e2e:5s")
        #expect(limits.isKept(by: record(parts: milliseconds(200, 250, 300), tokens: 3)))
        #expect(!limits.isKept(by: record(parts: milliseconds(201, 250), tokens: 2)))
        #expect(!limits.isKept(by: record(parts: milliseconds(100, 151), tokens: 2)))
        #expect(!limits.isKept(by: record(parts: milliseconds(100), end: .milliseconds(5001), tokens: 1)))
        #expect(!limits.isKept(by: record(parts: milliseconds(100), tokens: 1, outcome: .failed(.cut))))
    }

    @Test func oneLongGapSpoilsItlButNotTpot() throws {
        let record = record(parts: milliseconds(10, 20, 30, 90), tokens: 4)
        #expect(try !GoodputLimits("itl:50ms").isKept(by: record))
        #expect(try GoodputLimits("tpot:50ms").isKept(by: record))
    }

    @Test func limitsAreReadAsVLLMWritesThem() throws {
        #expect(try GoodputLimits("ttft:200,e2el:5000") == GoodputLimits("e2e:5s,ttft:200ms"))
    }

    @Test(arguments: ["", "ttft", "ttft:", "ttft:-1ms", "ttft:x", "ttft:1ms,ttft:2ms", "latency:1s", "ttft:1ms,"])
    func malformedLimitsAreRefused(text: String) {
        #expect(throws: GoodputError.self) { try GoodputLimits(text) }
    }
}
