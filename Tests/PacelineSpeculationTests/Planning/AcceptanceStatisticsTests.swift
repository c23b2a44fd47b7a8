import PacelineSpeculation
import Testing

@Suite("Acceptance statistics")
struct AcceptanceStatisticsTests {
    @Test("count drafts, tokens and positions as vLLM defines them")
    func definitions() {
        var statistics = AcceptanceStatistics()
        statistics.record(drafted: 4, accepted: 2)
        statistics.record(drafted: 4, accepted: 0)
        statistics.record(drafted: 2, accepted: 1)
        #expect(statistics.drafts == 3)
        #expect(statistics.draftedTokens == 10)
        #expect(statistics.acceptedTokens == 3)
        #expect(statistics.acceptedPerPosition == [2, 1])
        #expect(statistics.meanAcceptanceLength == 2)
        #expect(statistics.acceptanceRate == 0.3)
    }

    @Test("a round without a draft is no draft")
    func emptyRounds() {
        var statistics = AcceptanceStatistics()
        statistics.record(drafted: 0, accepted: 0)
        #expect(statistics == AcceptanceStatistics())
        #expect(statistics.meanAcceptanceLength == nil)
        #expect(statistics.acceptanceRate == nil)
    }

    @Test("of parts add up to those of the whole")
    func addition() {
        var generator = SplitMix(seed: 40)
        var parts = [AcceptanceStatistics](repeating: AcceptanceStatistics(), count: 3)
        var whole = AcceptanceStatistics()
        for _ in 0..<100 {
            let drafted = Int.random(in: 0...8, using: &generator)
            let accepted = Int.random(in: 0...drafted, using: &generator)
            parts[Int.random(in: 0..<3, using: &generator)].record(drafted: drafted, accepted: accepted)
            whole.record(drafted: drafted, accepted: accepted)
        }
        #expect(parts.reduce(into: AcceptanceStatistics()) { $0 += $1 } == whole)
        #expect(whole.acceptedPerPosition == whole.acceptedPerPosition.sorted(by: >))
        #expect(whole.acceptedPerPosition.reduce(0, +) == whole.acceptedTokens)
    }
}
