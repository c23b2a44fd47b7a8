import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A worker among changing verifiers")
struct VerifierFollowingTests {
    private static func endpoints(_ ports: Int...) -> [Endpoint] { ports.map(VerifierGroup.endpoint) }

    @Test func aVerifierThatAppearsIsConnectedToAtOnce() {
        var group = VerifierGroup([1])
        group.lives[VerifierGroup.endpoint(2)] = 2
        group.tell(.verifiers(Self.endpoints(1, 2)))
        #expect(group.connectedPorts == [1, 2])
        #expect(group.attempts == Self.endpoints(1, 2))
    }

    @Test func anIdleVerifierThatIsGoneIsToldAndLeftAtOnce() throws {
        var group = VerifierGroup([1, 2])
        let link = try #require(group.links(to: 2).first)
        group.tell(.verifiers(Self.endpoints(1)))
        #expect(group.drains(on: link) == 1)
        #expect(group.connectedPorts == [1])
        #expect(group.notes.contains(.left(endpoint: VerifierGroup.endpoint(2))))
        // Nobody lost anything, and nobody comes back.
        group.pass(.seconds(60))
        #expect(group.attempts == Self.endpoints(1, 2))
        #expect(group.worker.snapshot(now: group.now).tally.connectionsLost == 0)
    }

    @Test func openRequestsOfAVerifierThatIsGoneAreDraftedForToTheirEnd() throws {
        var group = VerifierGroup([1, 2])
        group.open(7, from: 2)
        group.tell(.verifiers(Self.endpoints(1)))
        group.pass(.seconds(10))
        #expect(group.connectedPorts == [1, 2] && group.worker.sessionTotal == 1)
        // It may even open more: perhaps its last clients came late.
        group.open(8, from: 2)
        group.say(.close(Message.Close(request: 7, reason: .finished)), from: 2)
        #expect(group.worker.sessionTotal == 1 && group.connectedPorts == [1, 2])
        group.say(.close(Message.Close(request: 8, reason: .finished)), from: 2)
        #expect(group.connectedPorts == [1])
    }

    @Test func aVerifierThatIsGoneButNeverDoneIsLeftInTheEnd() throws {
        var group = VerifierGroup([1, 2])
        let link = try #require(group.links(to: 2).first)
        group.open(7, from: 2)
        group.tell(.verifiers(Self.endpoints(1)))
        group.pass(.seconds(119))
        #expect(group.connectedPorts == [1, 2] && group.drains(on: link) == 0)
        group.pass(.seconds(2))
        #expect(group.drains(on: link) == 1)
        group.pass(.seconds(2))
        #expect(group.connectedPorts == [1] && group.worker.sessionTotal == 0)
    }

    @Test func aVerifierThatIsBackBeforeItWasLeftKeepsItsLink() throws {
        var group = VerifierGroup([1, 2])
        let link = try #require(group.links(to: 2).first)
        group.open(7, from: 2)
        group.tell(.verifiers(Self.endpoints(1)))
        group.tell(.verifiers(Self.endpoints(1, 2)))
        group.say(.close(Message.Close(request: 7, reason: .finished)), from: 2)
        group.pass(.seconds(200))
        #expect(group.links(to: 2) == [link] && group.attempts.count == 2)
        group.kill(2)
        group.lives[VerifierGroup.endpoint(2)] = 22
        group.pass(.seconds(1))
        #expect(group.connectedPorts == [1, 2])
    }

    @Test func aVerifierThatIsGoneAndDiesIsNotConnectedToAgain() {
        var group = VerifierGroup([1, 2])
        group.open(7, from: 2)
        group.tell(.verifiers(Self.endpoints(1)))
        group.kill(2)
        group.pass(.seconds(30))
        #expect(group.attempts == Self.endpoints(1, 2))
        #expect(group.worker.sessionTotal == 0)
    }

    @Test(arguments: [false, true])
    func twoAddressesOfOneVerifierShareOneLink(fencesFirst: Bool) {
        var group = VerifierGroup([1])
        group.fencesFirst = fencesFirst
        group.lives[VerifierGroup.endpoint(2)] = 1
        group.tell(.verifiers(Self.endpoints(1, 2)))
        group.pass(.seconds(60))
        // Without that they would throw each other out for ever.
        #expect(group.attempts == Self.endpoints(1, 2) && group.connectedPorts == [2])
        let snapshot = group.worker.snapshot(now: group.now)
        #expect(snapshot.connectedVerifiers == 1 && snapshot.verifiers.map(\.state) == [.sameAsAnother, .connected])
        // Why the older link ended is clear only when the newer one is established.
        #expect(snapshot.tally.connectionsLost == (fencesFirst ? 1 : 0))
        // The other address is tried when the link ends.
        group.kill(2)
        group.pass(.seconds(1))
        #expect(group.connectedPorts == [1])
    }

    @Test func aWorkerWithoutVerifiersWaitsAndIsNotRefused() {
        var group = VerifierGroup([])
        group.pass(.seconds(60))
        group.tell(.verifiers([]))
        #expect(group.refusal == nil && group.attempts.isEmpty)
        #expect(group.worker.snapshot(now: group.now).obstacle == "no verifier has been found yet")
    }
}

@Suite("A worker that is told to end")
struct WorkerDrainTests {
    @Test func anIdleWorkerHasLeftAtOnce() throws {
        var group = VerifierGroup([1, 2])
        let links = group.links(to: 1) + group.links(to: 2)
        group.tell(.drain(grace: .seconds(2)))
        #expect(group.isDrained && group.connectedPorts.isEmpty)
        #expect(links.map(group.drains) == [1, 1])
    }

    @Test func aWorkerEndsWhenItsVerifiersHaveTakenTheirRequestsBack() {
        var group = VerifierGroup([1])
        group.open(7, from: 1)
        group.tell(.drain(grace: .seconds(2)))
        #expect(!group.isDrained && group.worker.snapshot(now: group.now).obstacle == "the worker is shutting down")
        group.say(.close(Message.Close(request: 7, reason: .reassigned)), from: 1)
        #expect(group.isDrained && group.connectedPorts.isEmpty)
    }

    @Test func noVerifierHoldsAWorkerLongerThanItsGrace() {
        var group = VerifierGroup([1])
        group.open(7, from: 1)
        group.tell(.drain(grace: .seconds(2)))
        group.pass(.milliseconds(1900))
        #expect(!group.isDrained)
        group.pass(.milliseconds(200))
        #expect(group.isDrained)
    }

    @Test func aWorkerThatEndsTakesNoRequestAndConnectsToNobody() throws {
        var group = VerifierGroup([1, 2])
        group.kill(2)
        group.open(7, from: 1)
        let link = try #require(group.links(to: 1).first)
        group.tell(.drain(grace: .seconds(60)))
        group.open(8, from: 1)
        let refused = group.heard[link, default: []].contains { message in
            if case .close(let close) = message { close.request == 8 && close.reason == .noCapacity } else { false }
        }
        #expect(refused && group.worker.sessionTotal == 1)
        let attempts = group.attempts.count
        group.tell(.verifiers([VerifierGroup.endpoint(2)]))
        group.pass(.seconds(10))
        #expect(group.attempts.count == attempts)
    }

    @Test func theVerifierPlansWithoutAWorkerThatLeavesAndGivesItsRequestsToOthers() throws {
        let cluster = try MachineCluster(
            drafters: [MockDrafterSource(.model(agreement: 0.9)), MockDrafterSource(.model(agreement: 0.9))]
        )
        let requests = (0..<2).map { index in
            cluster.submit(GenerationRequest(prompt: [Token(index), 2, 3], sampling: .greedy, maximumTokens: 60))
        }
        for _ in 0..<6 { cluster.advance() }
        #expect(cluster.verifier.snapshot.workers.map(\.openRequests) == [1, 1])
        cluster.tell(worker: 0, .drain(grace: .seconds(2)))
        #expect(cluster.verifier.snapshot.workers.map(\.openRequests) == [0, 2])
        let drafted = cluster.verifier.snapshot.workers.map(\.draftTokens)
        cluster.run()
        #expect(requests.map { cluster.answers[$0]?.tokens.count } == [60, 60])
        // Of the one that left, at most the pass that was under way.
        let after = cluster.verifier.snapshot.workers.map(\.draftTokens)
        #expect(after[0] - drafted[0] <= 8 && after[1] > drafted[1])
    }
}
