import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The draft arrival predictor")
struct DraftArrivalPredictorTests {
    private func at(_ milliseconds: Double) -> Instant {
        .zero + .fromMilliseconds(milliseconds)
    }

    /// One delta every 10 ms up to 50 ms, each worth a token.
    private func steady() -> DraftArrivalPredictor {
        var arrivals = DraftArrivalPredictor()
        for step in 1...5 { arrivals.arrived(worth: Double(step + 6), now: at(Double(step) * 10)) }
        return arrivals
    }

    @Test("predicts nothing before it has seen two deltas")
    func silent() {
        var arrivals = DraftArrivalPredictor()
        #expect(arrivals.prediction(now: at(0)) == nil)
        arrivals.arrived(worth: 1, now: at(10))
        #expect(arrivals.prediction(now: at(11)) == nil)
    }

    @Test("expects the next delta after the usual interval, with the usual gain")
    func interval() throws {
        var arrivals = DraftArrivalPredictor()
        for step in 1...39 {
            arrivals.arrived(worth: step % 2 == 0 ? 0.9 : 0.4, now: at(Double(step) * 10))
        }
        let prediction = try #require(arrivals.prediction(now: at(391)))
        #expect(prediction.due == at(400))
        #expect(prediction.gain > 0 && prediction.gain <= 0.5)
        // The next delta after this one has never been worth anything.
        arrivals.arrived(worth: 0.9, now: at(400))
        #expect(arrivals.prediction(now: at(401)) == nil)
    }

    @Test("expects as much as trees of a similar worth have gained")
    func gains() throws {
        var arrivals = DraftArrivalPredictor()
        for round in 0..<40 {
            let start = Double(round) * 100
            arrivals.committed(worth: 0, now: at(start))
            arrivals.arrived(worth: 1, now: at(start + 10))
            arrivals.arrived(worth: 1.25, now: at(start + 20))
        }
        arrivals.committed(worth: 0, now: at(4000))
        #expect(abs(try #require(arrivals.prediction(now: at(4001))).gain - 1) < 1e-2)
        arrivals.arrived(worth: 1, now: at(4010))
        #expect(abs(try #require(arrivals.prediction(now: at(4011))).gain - 0.25) < 1e-2)
    }

    @Test("tells the time after a lost tree from the steps of one that lives")
    func latency() throws {
        var arrivals = DraftArrivalPredictor()
        for round in 0..<20 {
            let start = Double(round) * 100
            arrivals.committed(worth: 0, now: at(start))
            arrivals.arrived(worth: 0.5, now: at(start + 30))
            arrivals.arrived(worth: 1, now: at(start + 36))
        }
        #expect(arrivals.prediction(now: at(1937))?.due != at(1966))
        arrivals.committed(worth: 0, now: at(2000))
        #expect(arrivals.prediction(now: at(2001))?.due == at(2030))
        arrivals.arrived(worth: 0.5, now: at(2030))
        let next = try #require(arrivals.prediction(now: at(2031))).due
        #expect(next > at(2030) && next < at(2100))
    }

    @Test("keeps the usual pace if some of the tree survives a verdict")
    func survives() {
        var arrivals = steady()
        arrivals.committed(worth: 7, now: at(52))
        #expect(arrivals.prediction(now: at(53))?.due == at(60))
    }

    @Test("gives up on a delta that is overdue by half its gap")
    func overdue() {
        let arrivals = steady()
        #expect(arrivals.prediction(now: at(62))?.due == at(62), "late, but likely to come any moment")
        #expect(arrivals.prediction(now: at(64.9)) != nil)
        #expect(arrivals.prediction(now: at(65)) == nil)
    }

    @Test("promises less after every useless wait and every late delta, and more after punctual deltas")
    func punctuality() throws {
        func gain(_ change: (inout DraftArrivalPredictor) -> Void) throws -> Double {
            var arrivals = steady()
            change(&arrivals)
            return try #require(arrivals.prediction(now: at(51))).gain
        }
        let full = try gain { _ in }
        let once = try gain { $0.missed() }
        let twice = try gain {
            $0.missed()
            $0.missed()
        }
        #expect(abs(once - 0.8 * full) < 1e-9 && abs(twice - 0.64 * full) < 1e-9)
        var arrivals = steady()
        for _ in 0..<10 { arrivals.missed() }
        let low = try #require(arrivals.prediction(now: at(51))).gain
        for step in 6...30 { arrivals.arrived(worth: Double(step + 6), now: at(Double(step) * 10)) }
        #expect(try #require(arrivals.prediction(now: at(301))).gain > 3 * low)
    }

    @Test("ignores a delta below an earlier base")
    func past() {
        var arrivals = steady()
        arrivals.committed(worth: 0, now: at(52))
        let before = arrivals.prediction(now: at(54))
        arrivals.arrived(worth: 0, now: at(53))
        #expect(arrivals.prediction(now: at(54)) == before)
    }
}
