import Foundation
import PacelineSpeculation
import Testing

@Suite("Calibration")
struct CalibrationTests {
    @Test("believes reports while it knows nothing", arguments: [0.01, 0.3, 0.5, 0.9])
    func prior(report: Double) {
        let probability = Calibration().probability(logProbability: Float(log(report)), depth: 1)
        #expect(abs(probability - report) < 1e-6)
    }

    @Test("never quite believes certainty, and makes nothing of what is no log-probability")
    func extremes() {
        let calibration = Calibration()
        #expect(calibration.probability(logProbability: 0, depth: 1) < 1)
        #expect(calibration.probability(logProbability: .nan, depth: 1) == 0)
        #expect(calibration.probability(logProbability: 5, depth: 1) == 0)
        #expect(calibration.probability(logProbability: -.infinity, depth: 1) == 0)
        #expect(calibration.probability(logProbability: -1, depth: .max) > 0)
        #expect(calibration.probability(logProbability: -1, depth: .min) > 0)
    }

    @Test("learns what confidence is worth at each depth")
    func learns() {
        var generator = SplitMix(seed: 50)
        var calibration = Calibration()
        // Overconfident at the top, right at depth 2, overmodest below.
        let truth: [(depth: Int, report: Double, share: Double)] = [(1, 0.9, 0.5), (2, 0.5, 0.5), (6, 0.15, 0.6)]
        for _ in 0..<2000 {
            for (depth, report, share) in truth {
                let isAccepted = Double.random(in: 0..<1, using: &generator) < share
                calibration.record(logProbability: Float(log(report)), depth: depth, isAccepted: isAccepted)
            }
        }
        for (depth, report, share) in truth {
            #expect(abs(calibration.probability(logProbability: Float(log(report)), depth: depth) - share) < 0.1)
        }
    }

    @Test("finds out a liar within a few rounds, whatever confidence it reports next")
    func liar() {
        var generator = SplitMix(seed: 51)
        var calibration = Calibration()
        for _ in 0..<24 {
            let report = Float.random(in: -1...0, using: &generator)
            let depth = Int.random(in: 1...4, using: &generator)
            calibration.record(logProbability: report, depth: depth, isAccepted: false)
        }
        for report in stride(from: Float(-3), through: 0, by: 0.25) {
            for depth in 1...20 {
                #expect(calibration.probability(logProbability: report, depth: depth) < 0.15)
            }
        }
    }

    @Test("follows a worker that turns bad, and one that turns good again")
    func turns() {
        var calibration = Calibration()
        func report(_ isAccepted: Bool, times: Int) -> Double {
            for _ in 0..<times { calibration.record(logProbability: -0.1, depth: 1, isAccepted: isAccepted) }
            return calibration.probability(logProbability: -0.1, depth: 1)
        }
        // Sure, but not so sure that long paths come for free.
        let good = report(true, times: 5000)
        #expect(good > 0.95 && good <= 0.995)
        #expect(report(false, times: 300) < 0.15)
        #expect(report(true, times: 600) > 0.9)
    }

    @Test("learns from a verdict about every known child of a visited node, and of no other")
    func learnsFromVerdict() throws {
        let tree = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -0.1), .init(parent: nil, token: 2, logProbability: -1),
            .init(parent: 0, token: 3, logProbability: -0.1), .init(parent: 1, token: 4, logProbability: -0.1),
            .init(parent: 2, token: 5, logProbability: -0.1),
        ])
        // Only node 0 was verified: the correction shows that node 2 would have been right, too, and says nothing about
        // what would have followed it.
        let verdict = Verdict(path: [0], accepted: [1], correction: 3)
        var learnt = Calibration()
        learnt.learn(from: verdict, on: tree)
        var expected = Calibration()
        expected.record(logProbability: -0.1, depth: 1, isAccepted: true)
        expected.record(logProbability: -1, depth: 1, isAccepted: false)
        expected.record(logProbability: -0.1, depth: 2, isAccepted: true)
        #expect(learnt == expected)
    }

    @Test("learns nothing behind the point where the accepted path leaves the worker's tree")
    func leavesTree() throws {
        let tree = try TokenTree([
            .init(parent: nil, token: 1, logProbability: -0.1), .init(parent: 0, token: 3, logProbability: -0.1),
        ])
        // Another worker had drafted token 9, and the target took it.
        var learnt = Calibration()
        learnt.learn(from: Verdict(path: [4, 5], accepted: [9, 3], correction: 3), on: tree)
        var expected = Calibration()
        expected.record(logProbability: -0.1, depth: 1, isAccepted: false)
        #expect(learnt == expected)
    }

    @Test("probabilities stay probabilities", arguments: 0..<10)
    func bounds(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var calibration = Calibration()
        for _ in 0..<3000 {
            let report = -Float.random(in: 0...6, using: &generator)
            let depth = Int.random(in: 1...32, using: &generator)
            let probability = calibration.probability(logProbability: report, depth: depth)
            #expect(probability >= 0 && probability < 1)
            let isAccepted = Int.random(in: 0..<10, using: &generator) < Int(seed)
            calibration.record(logProbability: report, depth: depth, isAccepted: isAccepted)
        }
    }
}
