import PacelineSpeculation
import Testing

@Suite("Waiting for drafts")
struct WaitingTests {
    private let flat: CostCurve
    private let plain: Plan

    init() throws {
        flat = try CostCurve([.init(rows: 1, milliseconds: 100), .init(rows: 64, milliseconds: 110)])
        plain = Plan(nodes: [[]], expectedTokens: 1, rows: 1, milliseconds: 100)
    }

    @Test("pays when nodes are near and likely, and not when they are far or unlikely")
    func worth() {
        func isWorth(delay: Double, tokens: Double) -> Bool {
            Planner().isWorthWaiting(
                for: .init(delay: delay, expectedTokens: tokens, nodes: 4),
                plan: plain,
                waited: 0,
                limit: 1000,
                cost: flat
            )
        }
        #expect(isWorth(delay: 10, tokens: 0.8))
        #expect(isWorth(delay: 60, tokens: 0.8))
        #expect(!isWorth(delay: 90, tokens: 0.8))
        #expect(!isWorth(delay: 10, tokens: 0.05))
        #expect(!isWorth(delay: 0, tokens: 0))
    }

    @Test("never goes beyond the limit, and never for nodes that would not fit")
    func limits() {
        let soon = ArrivalForecast.Arrival(delay: 10, expectedTokens: 3, nodes: 4)
        #expect(Planner().isWorthWaiting(for: soon, plan: plain, waited: 40, limit: 50, cost: flat))
        #expect(!Planner().isWorthWaiting(for: soon, plan: plain, waited: 41, limit: 50, cost: flat))
        let planner = Planner(policy: PlanningPolicy(nodeBudget: 0))
        #expect(!planner.isWorthWaiting(for: soon, plan: plain, waited: 0, limit: 50, cost: flat))
    }

    @Test("expects deltas when and as they came after earlier verdicts")
    func forecast() throws {
        var forecast = ArrivalForecast(now: 0)
        #expect(forecast.next(at: 0) == nil)
        for round in 0..<5 {
            let start = Double(round) * 1000
            forecast.verdictSent(at: start)
            forecast.deltaArrived(at: start + 50, expectedTokens: 0.8, nodes: 4)
            forecast.deltaArrived(at: start + 60, expectedTokens: 0.5, nodes: 3)
        }
        forecast.verdictSent(at: 9000)
        var next = try #require(forecast.next(at: 9010))
        #expect(abs(next.delay - 40) < 1e-9 && abs(next.expectedTokens - 0.8) < 1e-9 && next.nodes == 4)
        forecast.deltaArrived(at: 9050, expectedTokens: 0.8, nodes: 4)
        next = try #require(forecast.next(at: 9055))
        #expect(abs(next.delay - 5) < 1e-9 && abs(next.expectedTokens - 0.5) < 1e-9 && next.nodes == 3)
        forecast.deltaArrived(at: 9060, expectedTokens: 0.5, nodes: 3)
        #expect(forecast.next(at: 9060) == nil)
    }

    @Test("gives up on a worker that is silent for twice as long as usual")
    func silence() {
        var forecast = ArrivalForecast(now: 0)
        forecast.deltaArrived(at: 30, expectedTokens: 1, nodes: 4)
        forecast.verdictSent(at: 100)
        #expect(forecast.next(at: 140)?.delay == 0)
        #expect(forecast.next(at: 160) != nil)
        #expect(forecast.next(at: 161) == nil)
    }

    @Test("follows a worker whose link becomes slower")
    func adapts() throws {
        var forecast = ArrivalForecast(now: 0)
        for round in 0..<60 {
            let start = Double(round) * 1000
            forecast.verdictSent(at: start)
            forecast.deltaArrived(at: start + (round < 20 ? 10 : 80), expectedTokens: 1, nodes: 4)
        }
        forecast.verdictSent(at: 100_000)
        let delay = try #require(forecast.next(at: 100_000)).delay
        #expect(abs(delay - 80) < 1)
    }
}
