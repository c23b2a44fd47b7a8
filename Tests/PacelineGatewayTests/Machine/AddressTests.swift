import HTTPTypes
import PacelineCluster
import Testing

@testable import PacelineGateway
@testable import PacelineServer

/// A verifier that is known by several addresses, as by IPv4 and IPv6, is one verifier.
@Suite struct AddressTests {
    private static let stream = Calls.completion(#""prompt": "a", "max_tokens": 100, "stream": true"#)

    /// Verifiers by their processes: 0 and 1 are one, 2 is another.
    private func driver(_ lives: [String] = ["a", "a", "b"]) -> MachineDriver {
        var driver = MachineDriver(lives.map { _ in "g" })
        for (number, life) in lives.enumerated() { driver.report(number, .ready(generation: "g", incarnation: life)) }
        return driver
    }

    private func states(_ driver: MachineDriver) -> [String] { driver.machine.snapshot.replicas.map(\.state) }

    @Test func itGetsTheShareOfOne() {
        var driver = driver()
        #expect(states(driver) == ["ready", "spare", "ready"])
        #expect(driver.machine.snapshot.replicas.map(\.isActive) == [true, false, true])
        var places: [Int: Int] = [:]
        for id in 0..<10 as Range<UInt64> { places[driver.ask(id, Self.stream) ?? -1, default: 0] += 1 }
        #expect(places == [0: 5, 2: 5])
    }

    @Test func itsGenerationHasOneVoice() {
        var driver = driver(["a", "a", "b", "c"])
        for (number, life) in [(2, "b"), (3, "c")] {
            driver.report(number, .ready(generation: "h", incarnation: life))
        }
        let place = driver.ask(1, Self.stream)
        #expect(place == 2 || place == 3, "two verifiers of h are more than one of g with two addresses")
    }

    @Test func aSpareAddressIsUsedWhenTheOtherCannotBeReached() throws {
        var driver = driver(["a", "a"])
        #expect(driver.ask(1, Self.stream) == 0)
        driver.report(0, .unreachable)
        #expect(states(driver) == ["down", "ready"])
        #expect(driver.ask(2, Self.stream) == 1)
        // Requests stay where they are when the first address is back.
        driver.report(0, .ready(generation: "g", incarnation: "a"))
        #expect(states(driver) == ["spare", "ready"])
        #expect(driver.ask(3, Self.stream) == 1)
    }

    @Test func anAttemptThatFindsNoConnectionTriesTheSpareAddressAtOnce() throws {
        var driver = driver(["a", "a"])
        driver.ask(1, Self.stream)
        driver.give(.attemptFailed(try #require(driver.opened).id, .unreachable))
        #expect(driver.opened?.number == 1)
    }

    @Test func aStreamThatItsVerifierLostGoesToAnotherVerifierAndNotToTheOtherAddress() throws {
        var driver = driver()
        #expect(driver.ask(1, Self.stream) == 0)
        driver.give(.attemptFailed(try #require(driver.opened).id, .disconnected))
        #expect(driver.opened?.number == 2)
        driver.give(.attemptFailed(try #require(driver.opened).id, .disconnected))
        #expect(driver.opened == nil, "it waits")
        // New requests avoid what may be dead, at whichever address.
        driver.report(2, .ready(generation: "g", incarnation: "b"))
        for id in 2..<5 as Range<UInt64> { #expect(driver.ask(id, Self.stream) == 2) }
    }

    @Test func aWayThatAnswersProbesAndLosesStreamsIsLeftForTheOther() throws {
        var driver = driver(["a", "a"])
        #expect(driver.ask(1, Self.stream) == 0)
        driver.give(.attemptFailed(try #require(driver.opened).id, .disconnected), after: .milliseconds(10))
        driver.report(0, .ready(generation: "g", incarnation: "a"))
        #expect(states(driver) == ["spare", "ready"])
        #expect(driver.ask(2, Self.stream) == 1)
        // Where both lose requests, it is the one that has lost none for longest.
        driver.give(.attemptFailed(try #require(driver.opened).id, .disconnected), after: .milliseconds(10))
        #expect(states(driver) == ["ready", "spare"])
        driver.report(1, .ready(generation: "g", incarnation: "a"))
        #expect(states(driver) == ["ready", "spare"])
        #expect(driver.ask(3, Self.stream) == 0)
    }

    @Test func whatItSaysAtOneAddressHoldsAtTheOther() throws {
        var driver = driver()
        #expect(driver.ask(1, Self.stream) == 0)
        driver.refuse(
            try #require(driver.opened).id,
            .unavailable("shutting down", code: "draining", retryAfter: 2)
        )
        #expect(driver.opened?.number == 2)
        #expect(states(driver) == ["refusing", "refusing", "ready"])
    }

    @Test func whoWaitsForAVerifierIsToldOfItsOtherAddress() throws {
        var driver = driver(["a", "a"])
        driver.ask(1, Self.stream)
        driver.give(.attemptFailed(try #require(driver.opened).id, .disconnected))
        #expect(driver.opened == nil)
        driver.report(0, .unreachable)
        driver.give(.timer, after: .milliseconds(50))
        #expect(driver.opened?.number == 1)
    }

    @Test func aProcessThatStartsAnewIsAnother() {
        var driver = driver(["a", "a"])
        driver.report(1, .ready(generation: "g", incarnation: "new"))
        #expect(states(driver) == ["ready", "ready"])
        driver.report(0, .ready(generation: "g", incarnation: "new"))
        #expect(states(driver) == ["spare", "ready"])
    }

    @Test func aVerifierThatDoesNotSayWhichItIsStandsForItself() {
        let driver = MachineDriver("g", "g")
        #expect(states(driver) == ["ready", "ready"])
    }

    @Test func aBeginningIsKnownWhicheverAddressReadIt() {
        var driver = driver()
        let text = String(repeating: "The same words. ", count: 40)
        func call(_ end: String) -> ProxiedCall {
            Calls.completion("\"prompt\": \"\(text)\(end)\", \"max_tokens\": 9")
        }
        #expect(driver.ask(1, call("One?")) == 0)
        driver.report(0, .unreachable)
        driver.give(.clientLeft(ProxyRequestID(1)))
        driver.ask(2, Self.stream)
        #expect(driver.ask(3, call("Two?")) == 1)
    }
}
