import Testing

@testable import PacelineCluster

@Suite("The slowdown guard")
struct SlowdownGuardTests {
    /// Rounds at a given true speed-up; how many of them were spent resting.
    private static func rests(in rounds: Int, speedUp: Double) -> Int {
        var slowdownGuard = SlowdownGuard()
        var resting = 0
        for _ in 0..<rounds {
            resting += slowdownGuard.isResting ? 1 : 0
            let elapsed = slowdownGuard.isResting ? 10 : 10 / speedUp
            _ = slowdownGuard.record(expected: 1, emitted: 1, plain: 10, elapsed: elapsed)
        }
        return resting
    }

    @Test("leaves drafting alone where it clearly pays")
    func pays() {
        #expect(Self.rests(in: 2000, speedUp: 3) == 0)
    }

    @Test("measures plain decoding ever more rarely where drafting hardly pays", arguments: [1.0, 1.2])
    func audits(speedUp: Double) {
        let (early, late) = (Self.rests(in: 400, speedUp: speedUp), Self.rests(in: 10_000, speedUp: speedUp))
        #expect(early > 0)
        #expect(Double(late) / 10_000 < 0.01)
    }

    @Test("finds out that plain passes are faster than was measured at first")
    func wrongBeginning() {
        var slowdownGuard = SlowdownGuard()
        var plain = 20.0
        for _ in 0..<200 {
            let elapsed = slowdownGuard.isResting ? 10.0 : 15
            if slowdownGuard.record(expected: 1, emitted: 1, plain: plain, elapsed: elapsed) {
                plain += (elapsed - plain) * 0.3
            }
        }
        #expect(slowdownGuard.hasLost)
        #expect((slowdownGuard.lastLoss ?? 1) < 0.96)
    }

    @Test("stops drafting that loses, and tries again ever more rarely", arguments: [0.9, 0.6, 0.3])
    func loses(speedUp: Double) {
        let early = Self.rests(in: 500, speedUp: speedUp)
        let late = Self.rests(in: 20_000, speedUp: speedUp)
        #expect(Double(early) / 500 > 0.6)
        #expect(Double(late) / 20_000 > 0.96)
    }

    @Test("believes emitted tokens rather than expected ones")
    func believes() {
        var slowdownGuard = SlowdownGuard()
        var resting = 0
        for _ in 0..<2000 {
            resting += slowdownGuard.hasLost ? 1 : 0
            let elapsed = slowdownGuard.isResting ? 10.0 : 12
            _ = slowdownGuard.record(expected: 2, emitted: 1, plain: 10, elapsed: elapsed)
        }
        #expect(resting > 1000)
    }

    @Test("does not mistake one long stall for a loss")
    func stall() {
        var slowdownGuard = SlowdownGuard()
        for round in 0..<40 {
            let elapsed = round == 10 ? 3000.0 : 10
            _ = slowdownGuard.record(expected: 2, emitted: 2, plain: 10, elapsed: elapsed)
            #expect(!slowdownGuard.isResting)
        }
    }

    @Test("resumes drafting that has become useful")
    func recovers() {
        var slowdownGuard = SlowdownGuard()
        for _ in 0..<200 {
            _ = slowdownGuard.record(expected: 1, emitted: 1, plain: 10, elapsed: slowdownGuard.isResting ? 10 : 20)
        }
        for _ in 0..<2000 { _ = slowdownGuard.record(expected: 2, emitted: 2, plain: 10, elapsed: 10) }
        #expect(!slowdownGuard.isResting)
        #expect((slowdownGuard.speedUp ?? 0) > 1.9)
    }
}
