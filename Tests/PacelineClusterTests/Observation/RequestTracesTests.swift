import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("Traces of requests")
struct RequestTracesTests {
    private static let (mine, yours) = (Tenant(rawValue: "mine"), Tenant(rawValue: "yours"))

    private static func request(_ id: String, answer: String, choice: Int = 0, of tenant: Tenant) -> GenerationRequest {
        var request = GenerationRequest(prompt: [1, 2, 3], sampling: .greedy, maximumTokens: 4)
        request.tenant = tenant
        request.name = RequestName(id: id, answer: answer, choice: choice, trace: .random(), created: 1)
        return request
    }

    private static func round(_ request: UInt64, _ number: Int) -> RoundRecord {
        RoundRecord(
            request: RequestID(rawValue: request),
            number: number,
            work: .verify(verified: 3, accepted: 1, tokens: [5, 6]),
            length: 3,
            ready: .zero,
            began: .zero,
            ended: .zero,
            cost: PassCost(rows: 1, sequences: 1, milliseconds: 2),
            drafts: [],
            tree: RoundTree(nodes: [], omitted: 0, workers: [], correction: 5)
        )
    }

    private static func finish(_ traces: RequestTraces, _ request: UInt64) {
        let summary = RequestSummary(
            reason: .length,
            promptTokens: 3,
            completionTokens: 4,
            promptMilliseconds: 1,
            predictedMilliseconds: 1,
            rounds: 1,
            speculation: AcceptanceStatistics(),
            workers: []
        )
        traces.add(.finished(summary), to: RequestID(rawValue: request), now: .zero)
    }

    @Test func aTenantSeesItsOwnRequestsOnly() {
        let traces = RequestTraces(limit: 4)
        traces.submitted(RequestID(rawValue: 1), Self.request("same", answer: "one", of: Self.mine), now: .zero)
        traces.submitted(RequestID(rawValue: 2), Self.request("same", answer: "two", of: Self.yours), now: .zero)
        #expect(traces.traces(named: "same", of: Self.mine).map(\.request.rawValue) == [1])
        #expect(traces.traces(named: "two", of: Self.mine).isEmpty)
        #expect(traces.trace(RequestID(rawValue: 2), of: Self.mine) == nil)
        #expect(traces.entries(of: Self.yours, includesEnded: true, limit: 9).map(\.request.rawValue) == [2])
    }

    @Test func theLatestAnswerWithANameIsFoundWithAllItsChoices() {
        let traces = RequestTraces(limit: 4)
        for (number, answer) in [(1, "old"), (2, "new"), (3, "new")] {
            let request = Self.request("id", answer: answer, choice: number == 3 ? 1 : 0, of: Self.mine)
            traces.submitted(RequestID(rawValue: UInt64(number)), request, now: .zero)
        }
        #expect(traces.traces(named: "id", of: Self.mine).map { $0.name?.choice } == [0, 1])
        #expect(traces.traces(named: "old", of: Self.mine).map(\.request.rawValue) == [1])
    }

    @Test func endedRequestsAreForgottenOneByOne() {
        let traces = RequestTraces(limit: 3)
        for number in 1...10 {
            let id = RequestID(rawValue: UInt64(number))
            traces.submitted(id, Self.request("r\(number)", answer: "a\(number)", of: Self.mine), now: .zero)
            traces.add(Self.round(UInt64(number), 1))
            Self.finish(traces, UInt64(number))
        }
        let kept = traces.entries(of: Self.mine, includesEnded: true, limit: 99)
        #expect(kept.map(\.request.rawValue) == [10, 9, 8])
        #expect(kept.allSatisfy { $0.phase == .finished && $0.rounds == 1 })
        #expect(traces.entries(of: Self.mine, includesEnded: false, limit: 99).isEmpty)
    }

    @Test func anAnswerOfManyChoicesCountsOnceAndIsKeptWhole() throws {
        let traces = RequestTraces(limit: 2)
        let context = TraceContext.random()
        func submit(_ number: Int, _ answer: String, choice: Int = 0) {
            var request = Self.request("r", answer: answer, choice: choice, of: Self.mine)
            request.name?.trace = context
            traces.submitted(RequestID(rawValue: UInt64(number)), request, now: .zero)
            for round in 1...300 { traces.add(Self.round(UInt64(number), round)) }
        }
        submit(1, "old")
        Self.finish(traces, 1)
        for choice in 0..<40 { submit(100 + choice, "many", choice: choice) }
        // In another order than they began.
        for choice in (20..<40).reversed() { Self.finish(traces, UInt64(100 + choice)) }
        for choice in 0..<20 { Self.finish(traces, UInt64(100 + choice)) }
        let many = traces.traces(named: "many", of: Self.mine)
        #expect(many.map { $0.name?.choice } == Array(0..<40))
        #expect(!traces.traces(named: "old", of: Self.mine).isEmpty)
        // Together they take no more than a few requests do.
        #expect(many.reduce(0) { $0 + $1.rounds.count } <= TracedAnswer.roundLimit)
        #expect(
            many.allSatisfy { $0.rounds.first?.number == 1 && $0.rounds.last?.number == 300 && $0.roundCount == 300 }
        )
        for number in 2...3 {
            submit(number, "new \(number)")
            Self.finish(traces, UInt64(number))
        }
        #expect(traces.traces(named: "many", of: Self.mine).isEmpty)
    }

    @Test func answersOfOneNameAreNotTakenForOne() {
        let traces = RequestTraces(limit: 2)
        let request = Self.request("r", answer: "a", of: Self.mine)
        for number in 1...5 as ClosedRange<UInt64> {
            traces.submitted(RequestID(rawValue: number), request, now: .zero)
            Self.finish(traces, number)
        }
        #expect(traces.entries(of: Self.mine, includesEnded: true, limit: 99).map(\.request.rawValue) == [5, 4])
    }

    @Test func theFirstRoundsAndTheLatestAreKept() throws {
        let traces = RequestTraces(limit: 1)
        traces.submitted(RequestID(rawValue: 1), Self.request("r", answer: "a", of: Self.mine), now: .zero)
        for number in 1...1000 { traces.add(Self.round(1, number)) }
        let trace = try #require(traces.trace(RequestID(rawValue: 1), of: Self.mine))
        #expect(trace.rounds.map(\.number) == Array(1...16) + Array(761...1000))
        #expect(trace.rounds.allSatisfy { $0.tree == nil })
        #expect((trace.roundCount, trace.draftTokens, trace.acceptedTokens) == (1000, 3000, 1000))
    }

    @Test func tokensThatLeaveAfterTheEndAreCounted() throws {
        let traces = RequestTraces(limit: 2)
        traces.begin(MonotonicClock())
        traces.submitted(RequestID(rawValue: 1), Self.request("r", answer: "a", of: Self.mine), now: .zero)
        traces.sent(3, of: RequestID(rawValue: 1))
        Self.finish(traces, 1)
        traces.sent(1, of: RequestID(rawValue: 1))
        let trace = try #require(traces.trace(RequestID(rawValue: 1), of: Self.mine))
        #expect(trace.sent.map(\.tokens) == [3, 4])
    }

    @Test func withoutALimitNoRoundIsKept() throws {
        let traces = RequestTraces(limit: 0)
        traces.submitted(RequestID(rawValue: 1), Self.request("r", answer: "a", of: Self.mine), now: .zero)
        traces.add(Self.round(1, 1))
        #expect(try #require(traces.trace(RequestID(rawValue: 1), of: Self.mine)).rounds.isEmpty)
        Self.finish(traces, 1)
        #expect(traces.trace(RequestID(rawValue: 1), of: Self.mine) == nil)
    }
}
