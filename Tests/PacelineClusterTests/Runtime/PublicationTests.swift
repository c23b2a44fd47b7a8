import PacelineMetrics
import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("What a verifier publishes about itself")
struct PublicationTests {
    private static func at(_ milliseconds: Double) -> Instant {
        Instant.zero + .fromMilliseconds(milliseconds)
    }

    private static func summary(_ reason: FinishReason, tokens: Int) -> RequestSummary {
        var summary = RequestSummary(
            reason: reason,
            promptTokens: 30,
            completionTokens: tokens,
            promptMilliseconds: 200,
            predictedMilliseconds: 600,
            rounds: 3,
            speculation: AcceptanceStatistics(),
            workers: []
        )
        summary.queueMilliseconds = 100
        return summary
    }

    @Test("holds the times of a request by vLLM's definitions: one latency a commit, whatever it brings")
    func times() {
        var meter = RequestMeter(contextLength: 100)
        let id = RequestID(rawValue: 1)
        meter.submitted(id, promptTokens: 30, now: Self.at(50))
        for (tokens, time) in [([Token(1)], 350.0), ([2, 3, 4], 550), ([5], 950)] {
            meter.emitted(.tokens(GeneratedTokens(tokens, text: "")), of: id, now: Self.at(time))
        }
        meter.emitted(.finished(Self.summary(.stop, tokens: 5)), of: id, now: Self.at(950))
        let figures = meter.figures
        #expect(figures.promptTokens == 30)
        #expect(figures.generationTokens == 5)
        #expect(figures.finished == [.stop: 1])
        #expect(figures.timeToFirstToken.sum == 0.3)
        #expect(figures.interTokenLatency.count == 2)
        #expect(abs(figures.interTokenLatency.sum - 0.6) < 1e-9)
        #expect(figures.latency.sum == 0.9)
        #expect(figures.queueTime.sum == 0.1)
        #expect(figures.prefillTime.sum == 0.2)
        #expect(figures.decodeTime.sum == 0.6)
        #expect(figures.timePerOutputToken.sum == 0.15)
        #expect(figures.promptLength.sum == 30)
        #expect(figures.generationLength.sum == 5)
        #expect(figures.generationLength.bounds.values == [1, 2, 5, 10, 20, 50, 100])
    }

    @Test("counts a client that left and a refusal, but no times of theirs, and nothing after a request's end")
    func ends() {
        var meter = RequestMeter(contextLength: 100)
        for number in 1...4 {
            let id = RequestID(rawValue: UInt64(number))
            let faults: [RequestFault] = [.overloaded(running: 1, waiting: 1), .emptyPrompt, .engine("x")]
            meter.submitted(id, promptTokens: 30, now: Self.at(0))
            let last: RequestEvent =
                number == 4 ? .finished(Self.summary(.cancelled, tokens: 0)) : .failed(faults[number - 1])
            for _ in 0..<2 { meter.emitted(last, of: id, now: Self.at(10)) }
            meter.emitted(.tokens(GeneratedTokens([1], text: "")), of: id, now: Self.at(20))
        }
        var expected = RequestFigures(contextLength: 100)
        #expect(meter.figures.finished == [.cancelled: 1])
        #expect(meter.figures.failures == [.overloaded: 1, .invalid: 1, .engine: 1])
        expected = meter.figures
        #expect(expected.latency.count == 0 && expected.timeToFirstToken.count == 0 && expected.promptTokens == 0)
        #expect(expected.generationTokens == 0 && expected.queueTime.count == 0)
    }

    @Test("comes at once after a quiet time, then at intervals, and once more after the last change")
    func policy() {
        var policy = PublicationPolicy()
        #expect(policy.changed(now: Self.at(100)) == .publish)
        #expect(policy.changed(now: Self.at(104)) == .wait(.milliseconds(6)))
        #expect(policy.changed(now: Self.at(105)) == .join)
        #expect(policy.changed(now: Self.at(109)) == .join)
        policy.waited(now: Self.at(110))
        #expect(policy.changed(now: Self.at(110)) == .wait(.milliseconds(10)))
        policy.waited(now: Self.at(120))
        #expect(policy.changed(now: Self.at(130)) == .publish)
    }

    @Test("adds up what workers did by drafter, also of those that left, and tells a bounded number apart")
    func drafters() {
        func worker(_ drafter: String, _ tokens: Int, isConnected: Bool) -> VerifierSnapshot.Worker {
            VerifierSnapshot.Worker(
                id: LinkID(rawValue: 1),
                name: "w",
                drafter: drafter,
                isConnected: isConnected,
                openRequests: 0,
                draftTokens: tokens,
                acceptedTokens: tokens / 2,
                staleTrees: 0,
                credit: 0,
                rest: isConnected ? .useless(tokensPerVerdict: 0) : nil
            )
        }
        var statistics = VerifierStatistics()
        // More of them than are listed after they left.
        for _ in 0..<100 { statistics.depart(worker("ngram", 4, isConnected: false)) }
        let drafters = statistics.drafters(with: [
            worker("ngram", 10, isConnected: true), worker("suffix", 6, isConnected: true),
        ])
        #expect(drafters.map(\.name) == ["ngram", "suffix"])
        #expect(drafters.map(\.draftTokens) == [410, 6])
        #expect(drafters.map(\.acceptedTokens) == [205, 3])
        #expect(drafters.map(\.workers) == [1, 1] && drafters.map(\.resting) == [1, 1])
        for number in 0..<1000 { statistics.depart(worker("d\(number)", 1, isConnected: false)) }
        let all = statistics.drafters(with: [])
        #expect(all.count == 65)
        #expect(all.map(\.draftTokens).reduce(0, +) == 1400)
    }
}
