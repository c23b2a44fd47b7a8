import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineServer
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineGateway
@testable import PacelineSimulation

@Suite("Verifiers behind gateways", .computing)
struct GatewayTests {
    @Test("stream what plain decoding gives, whatever strikes verifiers, gateways and the connections between them")
    func promises() throws {
        var statistics = SimulationStatistics()
        for seed in 1...24 as ClosedRange<UInt64> {
            let simulation = try Simulation(.behindGateways(seed: seed))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            statistics += simulation.statistics
        }
        let figures = statistics.gateways
        #expect(figures.completed > 60 && figures.resumed > 6, "\(figures)")
        #expect(figures.whole > 12 && figures.chats > 18 && figures.completed - figures.whole > 48, "\(figures)")
        #expect(figures.crashes > 12)
        #expect(figures.failovers.values.reduce(0, +) > 12 && figures.retries.values.reduce(0, +) > 6)
        #expect(statistics.tokens > 3000)
        for kind in FaultKind.gateways + [.verifierKill, .verifierPause, .slowClient, .cancel] {
            #expect(statistics.faults[kind, default: 0] > 3, "\(kind) hardly struck: \(statistics.faults)")
        }
    }

    @Test("go the same way twice")
    func determinism() throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            let first = try Simulation(.behindGateways(seed: seed))
            let second = try Simulation(.behindGateways(seed: seed))
            first.run()
            second.run()
            #expect(first.trace == second.trace, "seed \(seed)")
            #expect(first.statistics == second.statistics, "seed \(seed)")
        }
    }

    @Test("go on elsewhere or later where an engine has no memory for a while")
    func memory() throws {
        var statistics = SimulationStatistics()
        for seed in 1...4 as ClosedRange<UInt64> {
            let simulation = try Simulation(.struckBehindGateways(seed: seed, by: [.memoryPressure]))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            statistics += simulation.statistics
        }
        #expect(statistics.faults[.memoryPressure, default: 0] > 5 && statistics.gateways.completed > 10)
        #expect(statistics.gateways.failovers["unavailable", default: 0] > 0, "\(statistics.gateways)")
    }

    @Test("suffer no fault that is not allowed, and then hardly a stream needs a second verifier")
    func allowed() throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            let simulation = try Simulation(.behindGateways(seed: seed, allowed: []))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            #expect(simulation.statistics.faults.isEmpty, "seed \(seed)")
            #expect(simulation.statistics.gateways.failovers.isEmpty, "seed \(seed)")
        }
    }

    @Test("leave a seed's other scenarios as they are")
    func others() throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            let without = try SeedOutcome.run(seed: seed, allowed: Set(FaultKind.allCases), gatewayShare: 0)
            let with = try SeedOutcome.run(seed: seed, allowed: Set(FaultKind.allCases), gatewayShare: 1)
            #expect(with.violation == nil && without.violation == nil && with.trace == without.trace)
            #expect(without.statistics.gateways == GatewayFigures() && with.statistics.gateways.scenarios == 1)
        }
    }

    // MARK: Planted bugs

    /// The seeds within which a bug must be found.
    private static let patience = 10 as UInt64

    /// The first promise that breaks because of a bug, and where.
    private func first(
        _ bug: Interference,
        within patience: UInt64 = patience
    ) throws -> (seed: UInt64, promise: Violation.Promise)? {
        for seed in 1...patience {
            let simulation = try Simulation(.behindGateways(seed: seed), bug)
            simulation.run()
            if let violation = simulation.violation { return (seed, violation.promise) }
        }
        return nil
    }

    @Test("show that a gateway goes on one token too early", arguments: ["/v1/completions", "/v1/chat/completions"])
    func resumption(path: String) throws {
        var bug = Interference()
        bug.call = { $0.path == path ? Self.withoutLastToken($0) : $0 }
        let found = try #require(try first(bug))
        #expect([.identity, .stream].contains(found.promise), "seed \(found.seed)")
    }

    /// A resumption that leaves out the last token of the first choice.
    private static func withoutLastToken(_ call: UpstreamCall) -> UpstreamCall {
        let body = String(buffer: call.body)
        guard let start = body.firstRange(of: "\"tokens\":[[") else { return call }
        guard let end = body[start.upperBound...].firstIndex(of: "]") else { return call }
        let tokens = body[start.upperBound..<end].split(separator: ",").dropLast().joined(separator: ",")
        return Self.call(call, with: body[..<start.upperBound] + tokens + body[end...])
    }

    private static func call(_ call: UpstreamCall, with body: some StringProtocol) -> UpstreamCall {
        UpstreamCall(
            method: call.method,
            path: call.path,
            headers: call.headers,
            body: ByteBuffer(string: String(body))
        )
    }

    @Test("show that an answer in one piece is asked for again with another seed")
    func seedOfRetries() throws {
        var bug = Interference()
        var seen: Set<String> = []
        bug.call = { call in
            let body = String(buffer: call.body)
            // What is asked for the second time, with the seed behind everything else.
            guard body.contains("\"stream\":false"), let seed = body.firstMatch(of: #/"seed":(\d+)/#) else {
                return call
            }
            guard !seen.insert(body).inserted, let number = UInt64(seed.1) else { return call }
            return Self.call(call, with: body.replacing("\"seed\":\(number)", with: "\"seed\":\(number ^ 1)"))
        }
        let found = try #require(try first(bug))
        #expect([.identity, .stream].contains(found.promise), "seed \(found.seed)")
    }

    @Test("show that answers in one piece are not what plain decoding gives", arguments: ["message", "text"])
    func whole(field: String) throws {
        var bug = Interference()
        bug.answer = { answer in
            guard answer.status == .ok else { return answer }
            var changed = answer
            let body = String(buffer: answer.body)
            // Takes the first letter of the first text away.
            let start = field == "message" ? #""content":""# : #""text":""#
            guard let place = body.firstRange(of: start)?.upperBound, !"\"\\".contains(body[place]) else {
                return answer
            }
            changed.body = ByteBuffer(string: String(body[..<place] + body[body.index(after: place)...]))
            return changed
        }
        // Few answers are chats in one piece.
        let found = try #require(try first(bug, within: 40))
        #expect(found.promise == .identity, "seed \(found.seed)")
    }

    @Test("show that the head of a stream names another seed")
    func seedOfTheHead() throws {
        var bug = Interference()
        bug.headers = { headers in
            var changed = headers
            changed[.pacelineSeed] = "1"
            return changed
        }
        let found = try #require(try first(bug))
        #expect(found.promise == .stream, "seed \(found.seed)")
    }

    @Test("show that a verifier goes on with the tokens of another model than it says")
    func model() throws {
        var bug = Interference()
        bug.dialect = { verifier, claimed in verifier == 1 ? 1 - claimed : claimed }
        let found = try #require(try first(bug))
        #expect(found.promise == .identity, "seed \(found.seed)")
    }

    @Test("show that the first part of a stream behind a failover gets lost")
    func loss() throws {
        var bug = Interference()
        bug.losesPart = { $0.opens > 1 && $0.isFirst && $0.tokens > 0 }
        let found = try #require(try first(bug))
        #expect([.identity, .stream].contains(found.promise), "seed \(found.seed)")
    }
}
