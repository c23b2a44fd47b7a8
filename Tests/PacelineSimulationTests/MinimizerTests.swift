import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("A failing schedule", .computing)
struct MinimizerTests {
    /// A cluster whose verifier may wait longer than it promises, among faults that do not matter.
    private static func failing() throws -> (Trial, Violation) {
        for seed in 1...400 as ClosedRange<UInt64> {
            var scenario = try Scenario.swarm(seed: seed, allowed: [.pause, .straggle, .cut, .kill])
            scenario.verifier.maximumWait = .milliseconds(500)
            scenario.verifier.waitsForWorkers = true
            guard scenario.strikes.count > 3, scenario.workers.count > 1 else { continue }
            let trial = Trial(scenario)
            if let violation = try trial.violation(), violation.promise == .delay { return (trial, violation) }
        }
        throw NothingFails()
    }

    /// Found once for all tests.
    private static let found = Result { try failing() }

    private struct NothingFails: Error {}

    @Test("shrinks to what the failure needs, and still fails")
    func shrinks() throws {
        let (trial, violation) = try Self.found.get()
        let result = try Minimizer.minimize(trial, violation, limit: 40)
        #expect(result.strikes.count < trial.scenario.strikes.count)
        #expect(result.trial.scenario.requests.count == 1)
        #expect(result.runs <= 40)
        #expect(try result.trial.violation() == result.violation)
        #expect(result.violation.promise == violation.promise)
    }

    @Test("shrinks in the same way twice, and not at all without runs")
    func repeats() throws {
        let (trial, violation) = try Self.found.get()
        let one = try Minimizer.minimize(trial, violation, limit: 12)
        let other = try Minimizer.minimize(trial, violation, limit: 12)
        #expect(one.strikes.map(\.milliseconds) == other.strikes.map(\.milliseconds))
        #expect(try Minimizer.minimize(trial, violation, limit: 0).strikes.count == trial.scenario.strikes.count)
    }
}

@Suite("An explained run", .computing)
struct ExplanationTests {
    @Test("tells who takes part, what strikes and how it ends, the same every time")
    func story() throws {
        var scenario = try Scenario.swarm(seed: 3, allowed: [])
        scenario.workers = [.init(drafter: .model(agreement: 0.8), stepMilliseconds: 3)]
        scenario.faults = [.kill]
        scenario.strikes = [.init(kind: .kill, at: .milliseconds(200))]
        let explanation = try Explanation(of: Trial(scenario), seed: 3)
        let story = explanation.story
        for part in ["Seed 3:", "worker 0 drafts by", "client 0 asks for", "kill for", "Every promise was kept"] {
            #expect(story.contains(part), "\(part) is missing")
        }
        #expect(try Explanation(of: Trial(scenario), seed: 3).story == story)
        let diagram = explanation.diagram
        #expect(diagram.hasPrefix("<svg") && diagram.hasSuffix("</svg>\n"))
        for part in ["worker 0", "verifier 0", "client 0", "verdict", "tree"] {
            #expect(diagram.contains(part), "\(part) is missing")
        }
        // Each line of the trace is an object of its own.
        let lines = explanation.trace.split(separator: "\n")
        #expect(lines.count > 20 && lines.allSatisfy { $0.hasPrefix("{\"detail\":") && $0.hasSuffix("}") })
    }
}
