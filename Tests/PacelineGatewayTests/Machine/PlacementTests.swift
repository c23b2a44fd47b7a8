import HTTPTypes
import PacelineCluster
import Testing

@testable import PacelineGateway
@testable import PacelineServer

/// Which verifier gets a request.
@Suite struct PlacementTests {
    private static let plain = Calls.completion(#""prompt": "a", "max_tokens": 100"#)

    private static func prompt(_ text: String, tokens: Int = 100) -> ProxiedCall {
        Calls.completion("\"prompt\": \"\(text)\", \"max_tokens\": \(tokens)")
    }

    @Test func theOneWithTheFewestOutstandingTokensGetsTheNextRequest() {
        var driver = MachineDriver("g", "g")
        let first = driver.ask(1, Self.prompt("a", tokens: 1000))
        let second = driver.ask(2, Self.prompt("b", tokens: 10))
        #expect(first != second)
        // 10 and 30 are still fewer than 1,000.
        #expect(driver.ask(3, Self.prompt("c", tokens: 30)) == second)
        #expect(driver.ask(4, Self.prompt("d", tokens: 2000)) == second)
        #expect(driver.ask(5, Self.prompt("e")) == first)
    }

    @Test func equallyBusyOnesTakeTurns() {
        var driver = MachineDriver("g", "g", "g")
        var places: [Int?] = []
        for id in 0..<6 as Range<UInt64> {
            places.append(driver.ask(id, Self.plain))
            driver.give(.clientLeft(ProxyRequestID(id)))
        }
        #expect(Set(places.prefix(3)).count == 3 && Array(places.prefix(3)) == Array(places.suffix(3)))
    }

    @Test func aKnownBeginningGoesWhereItWasWhileThatOneIsNotMuchBusier() {
        var driver = MachineDriver("g", "g")
        let beginning = String(repeating: "The same words. ", count: 40)
        let place = driver.ask(1, Self.prompt(beginning + "One?"))
        #expect(driver.ask(2, Self.prompt("Something else.")) != place)
        #expect(driver.ask(3, Self.prompt(beginning + "Two?")) == place)
        #expect(driver.ask(4, Self.prompt(beginning + "Three?", tokens: 8000)) == place)
        #expect(driver.ask(5, Self.prompt(beginning + "Four?")) != place)
    }

    @Test func aBeginningOfAnotherKeyIsNotKnown() {
        var driver = MachineDriver("g", "g")
        let text = String(repeating: "The same words. ", count: 40)
        func call(_ key: String) -> ProxiedCall {
            Calls.completion("\"prompt\": \"\(text)\", \"max_tokens\": 9", headers: [.authorization: "Bearer \(key)"])
        }
        let place = driver.ask(1, call("a"))
        #expect(driver.ask(2, call("b")) != place)
        #expect(driver.ask(3, call("a")) == place)
    }

    @Test func aConversationThatGrowsKeepsItsPlace() {
        var driver = MachineDriver("g", "g", "g")
        var messages: [String] = []
        var places: Set<Int?> = []
        for turn in 0..<6 as Range<UInt64> {
            messages.append(#"{"role": "user", "content": "\#(String(repeating: "turn \(turn) ", count: 60))"}"#)
            let body = #"{"messages": [\#(messages.joined(separator: ", "))], "max_tokens": 5}"#
            places.insert(driver.ask(turn, Calls.call("/v1/chat/completions", body)))
            driver.give(.clientLeft(ProxyRequestID(turn)))
        }
        #expect(places.count == 1)
    }

    @Test func requestsGoToTheGenerationWithMoreVerifiersAndStayInATie() {
        var driver = MachineDriver("old", "old", "new")
        for id in 0..<4 as Range<UInt64> { #expect(driver.ask(id, Self.plain) != 2) }
        driver.report(0, .refusing)
        // One of each: the old one keeps the requests.
        #expect(driver.ask(10, Self.plain) == 1)
        driver.report(0, .ready(generation: "new"))
        for id in 11..<15 as Range<UInt64> { #expect(driver.ask(id, Self.plain) != 1) }
    }

    @Test func aVerifierThatIsNotReadyOrNotListedGetsNothing() {
        var driver = MachineDriver("g", "g", "g")
        driver.report(0, .refusing)
        driver.report(1, .unreachable)
        for id in 0..<3 as Range<UInt64> { #expect(driver.ask(id, Self.plain) == 2) }
        driver.report(0, .ready(generation: "g"))
        driver.give(.replicas([MachineDriver.address(0)]))
        #expect(driver.ask(9, Self.plain) == 0)
    }

    @Test func aVerifierThatAnswersLateIsTheLastChoice() {
        var driver = MachineDriver("g", "g")
        driver.give(.timer, after: .milliseconds(700))
        driver.report(1, .ready(generation: "g"))
        for id in 0..<3 as Range<UInt64> { #expect(driver.ask(id, Self.plain) == 1) }
    }

    @Test func aVerifierThatLeftTheListKeepsItsRequestsUntilTheyEnd() {
        var driver = MachineDriver("g", "g")
        let place = driver.ask(1, Calls.completion(#""prompt": "a", "stream": true"#))
        let attempt = driver.opened?.id
        driver.give(.replicas([MachineDriver.address(1 - (place ?? 0))]))
        #expect(driver.machine.snapshot.replicas.count == 2)
        if let attempt {
            driver.beginStream(attempt)
            driver.stream(attempt, "data: [DONE]\n\n")
        }
        #expect(driver.isFinished && driver.machine.snapshot.replicas.count == 1)
    }

    @Test func progressMakesAVerifierLessBusy() throws {
        var driver = MachineDriver("g")
        driver.ask(1, Calls.completion(#""prompt": "abcdefgh", "max_tokens": 10, "stream": true"#))
        let attempt = try #require(driver.opened?.id)
        let before = driver.machine.snapshot.replicas[0].outstandingTokens
        driver.beginStream(attempt)
        driver.stream(attempt, MachineDriver.chunk("x", 1) + MachineDriver.chunk("y", 2))
        #expect(driver.machine.snapshot.replicas[0].outstandingTokens == before - 4)
        driver.stream(attempt, "data: [DONE]\n\n")
        #expect(driver.machine.snapshot.replicas[0].outstandingTokens == 0)
    }

    @Test func moreRequestsThanTheLimitAreRefusedAtOnce() {
        var configuration = GatewayConfiguration()
        configuration.requestLimit = 1
        var driver = MachineDriver("g", configuration: configuration)
        #expect(driver.ask(1, Self.plain) == 0)
        driver.ask(2, Self.plain)
        #expect(driver.answer?.status == .tooManyRequests && driver.answer?.headers[.retryAfter] == "1")
        driver.give(.clientLeft(ProxyRequestID(1)))
        #expect(driver.ask(3, Self.plain) == 0)
    }
}
