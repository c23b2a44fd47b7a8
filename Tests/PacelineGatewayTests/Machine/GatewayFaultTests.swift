import Foundation
import HTTPTypes
import PacelineCluster
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineGateway

/// Streams through a gateway whose verifiers fail at random: none loses, repeats or changes a token.
@Suite struct GatewayFaultTests {
    /// Plans faults for a while, one verifier after the other, so that another one is always whole.
    private func plan(_ world: inout GatewayWorld, verifiers: Int, seconds: Int) {
        var time = Duration.milliseconds(world.random.next(below: 1500))
        while time < .seconds(seconds) {
            let number = world.random.next(below: verifiers)
            let length = Duration.milliseconds(100 + world.random.next(below: 2000))
            switch world.random.next(below: 7) {
            case 0, 1: world.change(number, to: .down, in: time)
            case 2, 3: world.change(number, to: .stopped, in: time)
            case 4: world.fault(number, true, in: time)
            case 5: world.pause(for: length, in: time)
            default: world.change(number, to: .draining, in: time)
            }
            world.change(number, to: .up, in: time + length)
            world.fault(number, false, in: time + length)
            if world.random.next(below: 3) == 0 {
                world.fill((number + 1) % verifiers, true, in: time)
                world.fill((number + 1) % verifiers, false, in: time + length)
            }
            time += length + .milliseconds(world.random.next(below: 300))
        }
    }

    /// Seeds of each part; more can be asked for.
    private static let seeds = ProcessInfo.processInfo.environment["PACELINE_TEST_SEEDS"].flatMap { UInt64($0) } ?? 40

    /// What became of the requests of some seeds.
    private struct Tally {
        var complete = 0
        var refused = 0
        var failovers = 0
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func noStreamLosesRepeatsOrChangesAToken(part: UInt64) throws {
        let reference = try ReferenceVerifier()
        var tally = Tally()
        for seed in part * Self.seeds..<(part + 1) * Self.seeds { try run(seed, reference, &tally) }
        #expect(tally.complete > Self.seeds && tally.failovers > Self.seeds / 2, "\(tally)")
        #expect(tally.refused * 4 < tally.complete, "\(tally)")
    }

    private func run(_ seed: UInt64, _ reference: ReferenceVerifier, _ tally: inout Tally) throws {
        var configuration = GatewayConfiguration()
        // The nemesis may be faster than a stream's tokens; the bound has a test of its own.
        (configuration.failureLimit, configuration.failoverLimit) = (100, 100)
        let verifiers = 2 + Int(seed % 3)
        var world = GatewayWorld(verifiers, seed: seed, reference: reference, configuration: configuration)
        world.pace = .milliseconds(20 + world.random.next(below: 200))
        if world.random.next(below: 3) == 0 { world.longestReading = .seconds(5) }
        plan(&world, verifiers: verifiers, seconds: 12)
        let count = UInt64(1 + world.random.next(below: 5))
        for id in 0..<count {
            world.ask(id, Calls.drawn(&world.random), in: .milliseconds(200 + world.random.next(below: 3000)))
        }
        let leaver = world.random.next(below: 4) == 0
        if leaver { world.leave(0, in: .milliseconds(world.random.next(below: 6000))) }
        world.run(for: .seconds(120)) { world in
            #expect(world.outstanding.counted == world.outstanding.running, "seed \(seed)")
            #expect(world.attempts.counted == world.attempts.running, "seed \(seed)")
            return false
        }
        #expect(world.outstanding == (0, 0) && world.attempts == (0, 0), "seed \(seed)")
        #expect(world.machine.requests.isEmpty, "seed \(seed)")
        for (id, client) in world.clients.sorted(by: { $0.key < $1.key }) where !leaver || id.number > 0 {
            try check(client, "seed \(seed), request \(id.number)", world, &tally)
        }
        tally.failovers += world.machine.statistics.failovers.values.reduce(0, +)
    }

    private func check(
        _ client: GatewayWorld.Client,
        _ name: Comment,
        _ world: GatewayWorld,
        _ tally: inout Tally
    ) throws {
        #expect(client.isOver, name)
        if let answer = client.answer {
            #expect([429, 500, 503].contains(answer.status.code) && !client.hasBegun, name)
            tally.refused += 1
            return
        }
        let text = try StreamText(client.text)
        let expected = try world.expected(client)
        #expect(client.seed.map { [$0] } == text.seeds, name)
        #expect(text.withoutIdentity == expected.withoutIdentity, name)
        #expect(text.isEnded && text.ends == 1 && text.identities.count == 1, name)
        // A client that waits gets pings, unless the gateway itself stands still.
        let interval = client.call.generation?.pingInterval ?? GatewayConfiguration().pingInterval
        let longest = interval + GatewayConfiguration().tick * 2 + world.paused
        #expect(client.longestSilence <= longest, name)
        tally.complete += 1
    }

    /// How a verifier is lost in the middle of a stream.
    enum Loss: CaseIterable {
        case dead, stopped

        /// The longest silence of the stream beyond that of its tokens.
        var silence: Duration {
            switch self {
            case .dead: .zero
            case .stopped: GatewayConfiguration().stallLimit
            }
        }
    }

    @Test(arguments: Loss.allCases, 0..<20 as Range<UInt64>)
    func aStreamIsSilentNoLongerThanTheLossOfItsVerifierTakesToShow(loss: Loss, part: UInt64) throws {
        let reference = try ReferenceVerifier()
        // A text that is long enough to be cut.
        let seed = try #require((part * 50..<(part + 1) * 50).first { reference.text($0).utf8.count > 100 })
        var world = GatewayWorld(3, seed: seed, reference: reference)
        world.pace = .milliseconds(100)
        let call = Calls.completion(#""prompt": "a", "stream": true, "max_tokens": 80, "seed": \#(seed)"#)
        world.ask(1, call, in: .milliseconds(300))
        let id = ProxyRequestID(1)
        world.run(for: .seconds(30)) { $0.clients[id]?.hasBegun == true }
        let address = try #require(world.machine.requests[id]?.attempt?.address)
        world.change(address, loss == .dead ? .down : .stopped)
        world.run(for: .seconds(60)) { $0.clients[id]?.isOver == true }
        let client = try #require(world.clients[id])
        #expect(try StreamText(client.text).withoutIdentity == world.expected(client).withoutIdentity)
        #expect(client.opens == 2)
        // The parts of one event, the tick, and the way to the next verifier.
        let usual = world.pace * 8 + GatewayConfiguration().tick + .milliseconds(10)
        #expect(client.longestSilence <= usual + loss.silence)
        if loss == .stopped { #expect(client.longestSilence >= loss.silence) }
    }

    @Test(arguments: [Duration.milliseconds(900), .seconds(2), .seconds(20)])
    func aGatewayThatStandsStillItselfBlamesNoVerifier(length: Duration) throws {
        let reference = try ReferenceVerifier()
        for seed in 0..<20 as Range<UInt64> {
            var world = GatewayWorld(2, seed: seed, reference: reference)
            world.pace = .milliseconds(100)
            for id in 0..<3 as Range<UInt64> {
                let fields = #""prompt": "a", "stream": true, "max_tokens": 80, "seed": \#(seed + id)"#
                world.ask(id, Calls.completion(fields), in: .milliseconds(300))
            }
            world.pause(for: length, in: .milliseconds(600))
            world.run(for: .seconds(60))
            for client in world.clients.values {
                #expect(try StreamText(client.text).withoutIdentity == world.expected(client).withoutIdentity)
                #expect(client.opens == 1, "seed \(seed)")
            }
        }
    }

    @Test func aRequestThatMakesVerifiersFailDoesNotTakeAllOfThemAlong() throws {
        let reference = try ReferenceVerifier()
        var world = GatewayWorld(9, seed: 3, reference: reference)
        world.ask(1, Calls.completion(#""prompt": "a", "stream": true, "seed": 5"#), in: .milliseconds(100))
        // Every verifier dies as soon as it has the request.
        var lost: Set<ReplicaAddress> = []
        for _ in 0..<2000 {
            world.run(for: .milliseconds(1))
            guard let attempt = world.machine.requests.values.first?.attempt else { continue }
            guard lost.insert(attempt.address).inserted else { continue }
            world.crash(attempt.address)
        }
        #expect(world.clients.values.allSatisfy { $0.isOver })
        #expect(world.clients.values.first?.answer?.status == .serviceUnavailable)
        #expect(lost.count == GatewayConfiguration().failureLimit + 1)
    }
}
