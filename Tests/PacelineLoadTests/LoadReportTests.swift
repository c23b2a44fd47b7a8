import Foundation
import PacelineLoad
import PacelineSpeculation
import Testing

@Suite("Reports of load tests")
struct LoadReportTests {
    private func figures(first: Int, gap: Int, tokens: Int, lag: Int = 0, count: Int = 10) -> LoadFigures {
        var figures = LoadFigures()
        for ordinal in 0..<count {
            let due = Duration.milliseconds(1000 * ordinal)
            let request = ScheduledRequest(ordinal: ordinal, intended: due, isMeasured: true)
            var record = RequestRecord(request, sent: due + .milliseconds(lag))
            for part in 0..<tokens { record.take(text: "x", at: due + .milliseconds(first + part * gap)) }
            record.take(AnswerUsage(promptTokens: 3, outputTokens: tokens))
            record.end(.completed, at: due + .milliseconds(first + tokens * gap))
            figures.add(record)
        }
        return figures
    }

    @Test func ratiosAreSpeculativeByPlain() {
        let plain = figures(first: 100, gap: 40, tokens: 5)
        let speculative = figures(first: 100, gap: 20, tokens: 5)
        let comparison = LoadComparison([(plain, speculative), (plain, speculative)], texts: TextComparison())
        #expect(abs((comparison.medians["itl"] ?? 0) - 0.5) < 0.002)
        #expect(abs((comparison.medians["ttft"] ?? 0) - 1) < 0.002)
        #expect(comparison.outputTokensByPair.count == 2)
        #expect((comparison.outputTokens ?? 0) > 1)
    }

    @Test func textsOfTheSamePromptAreCompared() {
        var texts = TextComparison()
        func record(_ ordinal: Int, _ text: String) -> RequestRecord {
            let request = ScheduledRequest(ordinal: ordinal, intended: .zero, isMeasured: false)
            var record = RequestRecord(request, sent: .zero)
            // Where a text is cut into parts does not matter.
            for character in text { record.take(text: String(character), at: .zero) }
            record.end(.completed, at: .zero)
            return record
        }
        for ordinal in 0..<3 { texts.add(record(ordinal, "text \(ordinal)")) }
        texts.add(record(2, "text 2"))
        texts.add(record(0, "another"))
        #expect(texts.compared == 2)
        #expect(texts.equal == 1)
        texts.nextPair()
        texts.add(record(1, "text 1"))
        #expect(texts.compared == 2)
    }

    @Test func aGeneratorThatIsLateSaysSo() {
        func sentences(_ figures: LoadFigures) -> [String] {
            LoadWarnings(
                [("all", figures)],
                comparison: nil,
                reachedOutstandingLimit: false,
                isInterrupted: false
            ).sentences
        }
        let onTime = sentences(figures(first: 100, gap: 1, tokens: 3, lag: 1, count: 1000))
        let late = sentences(figures(first: 100, gap: 1, tokens: 3, lag: 50, count: 1000))
        #expect(onTime.isEmpty)
        #expect(late.count == 1 && late[0].contains("could not keep up"))
    }

    @Test func theNamesInJSONAreThoseOfTheField() throws {
        let result = LoadResult("all", figures(first: 100, gap: 20, tokens: 5), isOpenLoop: true, hasGoodput: true)
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result)) as? [String: Any]
        let latencies = try #require(object?["latency_ms"] as? [String: [String: Double]])
        #expect(Set(latencies.keys) == ["ttft", "itl", "tpot", "e2e", "schedule_lag"])
        #expect(latencies["ttft"]?.keys.sorted() == ["count", "max", "mean", "p50", "p90", "p99", "p99_9"])
        #expect(latencies["itl"]?["count"] == 40)
    }
}
