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
            let length = Duration.milliseconds(100 + world.random.next(below: 3000))
            switch world.random.next(below: 5) {
            case 0, 1: world.change(number, to: .down, in: time)
            case 2, 3: world.change(number, to: .stopped, in: time)
            default: world.change(number, to: .draining, in: time)
            }
            world.change(number, to: .up, in: time + length)
            if world.random.next(below: 3) == 0 {
                world.fill((number + 1) % verifiers, true, in: time)
                world.fill((number + 1) % verifiers, false, in: time + length)
            }
            time += length + .milliseconds(world.random.next(below: 1500))
        }
    }

    /// Seeds of each part; more can be asked for.
    private static let seeds = ProcessInfo.processInfo.environment["PACELINE_TEST_SEEDS"].flatMap { UInt64($0) } ?? 40

    @Test(arguments: 0..<4 as Range<UInt64>) func noStreamLosesRepeatsOrChangesAToken(part: UInt64) throws {
        let reference = try ReferenceVerifier()
        var (complete, refused, failovers) = (0, 0, 0)
        for seed in part * Self.seeds..<(part + 1) * Self.seeds {
            var configuration = GatewayConfiguration()
            // The nemesis may be faster than a stream's tokens; the bound has a test of its own.
            (configuration.failureLimit, configuration.failoverLimit) = (100, 100)
            let verifiers = 2 + Int(seed % 3)
            var world = GatewayWorld(verifiers, seed: seed, reference: reference, configuration: configuration)
            world.pace = .milliseconds(20 + world.random.next(below: 200))
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
            for (id, client) in world.clients.sorted(by: { $0.key < $1.key }) {
                if leaver, id.number == 0 { continue }
                #expect(client.isOver, "seed \(seed): request \(id.number) did not end")
                if let answer = client.answer {
                    #expect([429, 503].contains(answer.status.code) && !client.hasBegun, "seed \(seed)")
                    refused += 1
                    continue
                }
                let text = try StreamText(client.text)
                let expected = try world.expected(client)
                #expect(client.seed.map { [$0] } == text.seeds, "seed \(seed): the head says what the end says")
                #expect(text.withoutIdentity == expected.withoutIdentity, "seed \(seed), request \(id.number)")
                #expect(text.isEnded && text.ends == 1 && text.identities.count == 1, "seed \(seed)")
                complete += 1
            }
            failovers += world.machine.statistics.failovers.values.reduce(0, +)
        }
        #expect(
            complete > Self.seeds && failovers > Self.seeds / 2,
            "\(complete) complete, \(refused) refused, \(failovers) failovers"
        )
        #expect(refused * 4 < complete, "\(complete) complete, \(refused) refused")
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
