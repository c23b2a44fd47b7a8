import HTTPTypes
import NIOCore
import PacelineCluster
import Testing

@testable import PacelineGateway
@testable import PacelineServer

/// What happens to requests before their clients have anything, and to streams that are cut.
@Suite struct RetryTests {
    private static let whole = Calls.completion(#""prompt": "a", "max_tokens": 100"#)
    private static let stream = Calls.completion(#""prompt": "a", "max_tokens": 100, "stream": true"#)
    private static let full = APIError.overloaded("all slots are taken", retryAfter: 1)
    private static let draining = APIError.unavailable("shutting down", code: "draining", retryAfter: 2)

    private func text(_ answer: ProxyAnswer?) -> String { answer.map { String(buffer: $0.body) } ?? "" }

    @Test(arguments: [AttemptFailure.unreachable, .disconnected], [Self.whole, Self.stream].indices)
    func aRequestThatIsLostBeforeItsFirstByteGoesElsewhereWithTheSameSeed(failure: AttemptFailure, kind: Int) throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, [Self.whole, Self.stream][kind])
        let first = try #require(driver.opened)
        driver.give(.attemptFailed(first.id, failure))
        let second = try #require(driver.opened)
        #expect(second.number != first.number && second.call.body == first.call.body)
        #expect(String(buffer: first.call.body).contains("\"seed\":\(Calls.seed)"))
    }

    @Test func aFullVerifierPassesTheRequestOnAndOnlyAllOfThemRefuseIt() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Self.whole)
        driver.refuse(try #require(driver.opened).id, Self.full)
        #expect(driver.answer == nil)
        driver.refuse(try #require(driver.opened).id, Self.full)
        #expect(driver.answer?.status == .tooManyRequests && driver.answer?.headers[.retryAfter] == "1")
        #expect(text(driver.answer).contains("all slots are taken"))
        // A full verifier is still a verifier.
        #expect(driver.ask(2, Self.whole) != nil)
    }

    @Test func aDrainingVerifierGetsNoMoreRequestsEvenBeforeItsHealthSaysSo() throws {
        var driver = MachineDriver("g", "g")
        let first = driver.ask(1, Self.whole)
        driver.refuse(try #require(driver.opened).id, Self.draining)
        #expect(driver.opened.map(\.number) == 1 - (first ?? 0))
        for id in 2..<5 as Range<UInt64> { #expect(driver.ask(id, Self.whole) == 1 - (first ?? 0)) }
    }

    @Test func aStreamIsOfTheGenerationThatItsVerifierSaysAndNotOfTheOneThatItHadBefore() throws {
        var driver = MachineDriver("g", "g", "h")
        driver.ask(1, Self.stream)
        let first = try #require(driver.opened)
        // It has started anew since it was last asked for its health.
        driver.beginStream(first.id, generation: "h")
        driver.stream(first.id, MachineDriver.chunk("a", 1))
        #expect(driver.sent.contains("\"text\":\"a\""))
        driver.give(.attemptFailed(first.id, .disconnected))
        #expect(driver.opened?.number == 2)
    }

    @Test func aVerifierThatSaysThatItIsOfAnotherGenerationDoesNotGoOnWithAStream() throws {
        var driver = MachineDriver("g", "g", "g")
        driver.ask(1, Self.stream)
        let first = try #require(driver.opened)
        driver.beginStream(first.id, generation: "g")
        driver.stream(first.id, MachineDriver.chunk("a", 1))
        driver.give(.attemptFailed(first.id, .disconnected))
        let second = try #require(driver.opened)
        driver.beginStream(second.id, generation: "h")
        let third = try #require(driver.opened)
        #expect(third.number != first.number && third.number != second.number)
        // It is not asked again before it has answered.
        #expect(driver.machine.snapshot.replicas[second.number].state == "unknown")
    }

    @Test func thatAllAreFullMattersMoreThanThatOneIsDraining() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Self.whole)
        driver.refuse(try #require(driver.opened).id, Self.full)
        driver.refuse(try #require(driver.opened).id, Self.draining)
        #expect(driver.answer?.status == .tooManyRequests)
    }

    @Test(arguments: [Self.whole, Self.stream].indices)
    func aRequestThatWasTakenAndLostWaitsForAVerifier(kind: Int) throws {
        var driver = MachineDriver("g")
        driver.ask(1, [Self.whole, Self.stream][kind])
        driver.give(.attemptFailed(try #require(driver.opened).id, .disconnected))
        #expect(driver.answer == nil)
        driver.report(0, .unreachable)
        _ = driver.wait(.seconds(5))
        #expect(driver.answer == nil && driver.opened == nil)
        driver.report(0, .ready(generation: "g"))
        _ = driver.wait(.milliseconds(200))
        #expect(driver.opened?.number == 0)
    }

    @Test func withoutAnyVerifierRequestsAreRefusedAtOnce() {
        var driver = MachineDriver()
        driver.ask(1, Self.stream)
        #expect(driver.answer?.status == .serviceUnavailable && driver.answer?.headers[.retryAfter] == "1")
        #expect(text(driver.answer).contains("no_verifier"))
    }

    @Test(arguments: [APIError.invalidRequest("bad"), .invalidKey("who?"), .notFound("what?"), .bodyTooLarge(limit: 5)])
    func answersThatOthersWouldGiveTooGoToTheClientAsTheyAre(error: APIError) throws {
        for call in [Self.whole, Self.stream] {
            var driver = MachineDriver("g", "g")
            driver.ask(1, call)
            driver.refuse(try #require(driver.opened).id, error)
            #expect(driver.answer == ProxyAnswer(error) && driver.opened == nil)
        }
    }

    @Test func aWholeAnswerIsAskedForAgainIfItsVerifierAnswersNothingAboutItsHealth() throws {
        var driver = MachineDriver("g", "g")
        let first = driver.ask(1, Self.whole)
        let effects = driver.wait(.milliseconds(1400), answering: [1 - (first ?? 0)])
        #expect(effects.contains { if case .close = $0 { true } else { false } })
        #expect(driver.opened?.number == 1 - (first ?? 0))
        #expect(driver.machine.snapshot.statistics.retries == [.unhealthy: 1])
    }

    @Test func aSilentStreamGoesElsewhereAfterASecondAndOneWithPingsDoesNot() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Self.stream)
        let first = try #require(driver.opened)
        driver.beginStream(first.id)
        for _ in 0..<10 {
            _ = driver.wait(.milliseconds(450), answering: [0, 1])
            #expect(driver.opened == nil)
            driver.stream(first.id, ": ping\n\n")
            #expect(driver.sent.isEmpty, "the verifier's pings are not for the client")
        }
        _ = driver.wait(.milliseconds(1100), answering: [0, 1])
        #expect(driver.opened?.number == 1 - first.number)
        #expect(driver.machine.snapshot.statistics.retries == [.stalled: 1])
    }

    @Test func patienceGrowsWithEveryStall() throws {
        var driver = MachineDriver("g", "g", "g", "g")
        driver.ask(1, Self.stream)
        driver.beginStream(try #require(driver.opened).id)
        var times: [Duration] = []
        for _ in 0..<3 {
            let start = driver.now
            var isOpened = false
            while !isOpened {
                _ = driver.wait(.milliseconds(50), answering: [0, 1, 2, 3])
                isOpened = driver.opened != nil
            }
            times.append(driver.now - start)
            driver.beginStream(try #require(driver.opened).id)
        }
        #expect(times == [.milliseconds(1050), .milliseconds(2050), .milliseconds(4050)])
    }

    @Test func aPromptThatTakesLongIsWaitedForAsLongAsItsVerifierIsHealthy() throws {
        var driver = MachineDriver("g", "g")
        let call = Calls.completion(#""prompt": "a", "stream": true, "sse_ping_interval": 0.1"#)
        let placed = driver.ask(1, call)
        let first = try #require(placed)
        let attempt = try #require(driver.opened).id
        _ = driver.wait(.seconds(8), answering: [0, 1])
        // Nobody has taken it yet, so it may still be refused in words.
        #expect(driver.opened == nil && driver.sent.isEmpty && driver.answer == nil)
        driver.refuse(attempt, .invalidRequest("bad"))
        #expect(driver.answer?.status == .badRequest)
        driver.ask(2, Self.stream)
        let second = try #require(driver.opened).number
        _ = driver.wait(.milliseconds(1400), answering: [first == second ? 1 - first : first])
        #expect(driver.opened?.number == 1 - second)
    }

    @Test func aGatewayThatWasStoppedItselfBlamesNobody() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Self.whole)
        for number in 0..<2 { driver.report(number, .ready(generation: "g")) }
        driver.give(.timer, after: .seconds(30))
        #expect(!driver.effects.contains { if case .close = $0 { true } else { false } })
        for number in 0..<2 { driver.report(number, .ready(generation: "g")) }
        _ = driver.wait(.seconds(3), answering: [0, 1])
        #expect(driver.machine.snapshot.statistics.retries.isEmpty)
    }

    @Test func onlyTheTimeThatARequestWaitedUsesUpItsPatience() throws {
        var driver = MachineDriver("g")
        driver.ask(1, Self.whole)
        var attempt = try #require(driver.opened).id
        for _ in 0..<2 {
            driver.give(.attemptFailed(attempt, .disconnected))
            driver.report(0, .unreachable)
            _ = driver.wait(.seconds(14))
            #expect(driver.answer == nil)
            driver.report(0, .ready(generation: "g"))
            _ = driver.wait(.milliseconds(200), answering: [0])
            attempt = try #require(driver.opened).id
            _ = driver.wait(.seconds(60), answering: [0])
            #expect(driver.answer == nil && driver.opened == nil)
        }
        driver.give(.attemptFailed(attempt, .disconnected))
        driver.report(0, .unreachable)
        _ = driver.wait(.seconds(5))
        #expect(driver.answer?.status == .serviceUnavailable)
    }

    @Test func aCutStreamThatFindsAllVerifiersFullAsksThemLessAndLessOften() throws {
        var driver = MachineDriver("g")
        driver.ask(1, Self.stream)
        let attempt = try #require(driver.opened).id
        driver.beginStream(attempt)
        driver.stream(attempt, MachineDriver.chunk("x", 1))
        driver.give(.attemptFailed(attempt, .disconnected))
        var asked = 0
        for _ in 0..<400 {
            driver.give(.timer, after: .milliseconds(50))
            if let opened = driver.opened {
                asked += 1
                driver.refuse(opened.id, Self.full)
            }
            driver.report(0, .ready(generation: "g"))
        }
        #expect((15...30).contains(asked), "\(asked)")
    }

    @Test func answersInOnePieceHaveABoundTogether() throws {
        var configuration = GatewayConfiguration()
        configuration.answerMemory = 100
        var driver = MachineDriver("g", configuration: configuration)
        for id in 0..<3 as Range<UInt64> {
            driver.ask(id, Self.whole)
            let attempt = try #require(driver.opened).id
            driver.give(.answerBegan(attempt, AnswerHead(status: .ok, headers: [.contentType: "application/json"])))
            driver.give(.answerBytes(attempt, ByteBuffer(string: String(repeating: " ", count: 45))))
            #expect(driver.answer?.status == (id == 2 ? .tooManyRequests : nil))
        }
        #expect(driver.machine.collectedBytes == 90)
        driver.give(.clientLeft(ProxyRequestID(0)))
        driver.give(.clientLeft(ProxyRequestID(1)))
        #expect(driver.machine.collectedBytes == 0)
    }

    @Test func aStreamWhoseClientDoesNotReadIsNotStalled() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Self.stream)
        let attempt = try #require(driver.opened).id
        driver.beginStream(attempt)
        driver.stream(attempt, MachineDriver.chunk("x", 1))
        driver.give(.clientBlocked(ProxyRequestID(1)))
        _ = driver.wait(.seconds(20), answering: [0, 1])
        #expect(driver.opened == nil && driver.sent.isEmpty)
        driver.give(.clientDrained(ProxyRequestID(1)))
        _ = driver.wait(.milliseconds(900), answering: [0, 1])
        #expect(driver.opened == nil)
        _ = driver.wait(.milliseconds(300), answering: [0, 1])
        #expect(driver.opened != nil)
    }

    @Test func aCutStreamGoesOnBehindItsLastTokenWithTheSameIdentity() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Self.stream)
        let first = try #require(driver.opened)
        driver.beginStream(first.id)
        driver.stream(first.id, MachineDriver.chunk("x", 11) + MachineDriver.chunk("y", 12) + "data: {\"id\":\"cmp")
        driver.give(.attemptFailed(first.id, .disconnected))
        let second = try #require(driver.opened)
        let body = String(buffer: second.call.body)
        #expect(second.number != first.number)
        #expect(body.hasSuffix(#","resume":{"tokens":[[11,12]],"id":"cmpl-1","created":9}}"#), "\(body)")
        driver.beginStream(second.id)
        driver.stream(second.id, MachineDriver.chunk("z", 13))
        #expect(driver.sent == MachineDriver.chunk("z", 13).replacing(#","token_ids":[13]"#, with: ""))
        // A late byte of the first one changes nothing.
        driver.stream(first.id, MachineDriver.chunk("y", 12))
        #expect(driver.effects.isEmpty)
        #expect(driver.machine.snapshot.statistics.failovers == [.disconnected: 1])
    }

    @Test func aCutStreamGoesOnInItsOwnGenerationAlone() throws {
        var driver = MachineDriver("old", "new", "new")
        driver.report(1, .unreachable)
        driver.report(2, .unreachable)
        #expect(driver.ask(1, Self.stream) == 0)
        let attempt = try #require(driver.opened).id
        driver.beginStream(attempt)
        driver.stream(attempt, MachineDriver.chunk("x", 1))
        driver.report(1, .ready(generation: "new"))
        driver.report(2, .ready(generation: "new"))
        driver.give(.attemptFailed(attempt, .disconnected))
        driver.report(0, .unreachable)
        _ = driver.wait(.seconds(2))
        #expect(driver.opened == nil)
        driver.report(1, .ready(generation: "old"))
        _ = driver.wait(.milliseconds(200))
        #expect(driver.opened?.number == 1)
    }

    @Test func aStreamThatNobodyCanGoOnWithEndsWithAnErrorAfterAWhile() throws {
        var driver = MachineDriver("g")
        driver.ask(1, Self.stream)
        let attempt = try #require(driver.opened).id
        driver.beginStream(attempt)
        driver.stream(attempt, MachineDriver.chunk("x", 1))
        driver.report(0, .unreachable)
        driver.give(.attemptFailed(attempt, .disconnected))
        _ = driver.wait(.seconds(29))
        // The client is told meanwhile that its stream is alive.
        #expect(!driver.isFinished && driver.sent == ": ping\n\n: ping\n\n")
        _ = driver.wait(.seconds(2))
        #expect(driver.isFinished && driver.sent.hasSuffix("data: [DONE]\n\n"))
        #expect(driver.sent.contains(#""code":"verifiers_lost""#))
        #expect(driver.machine.snapshot.statistics.outcomes == [.lost: 1])
    }

    @Test func aVerifierThatEndsStreamsInOrderLosesThemToAnother() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Self.stream)
        let attempt = try #require(driver.opened).id
        driver.beginStream(attempt)
        driver.stream(attempt, MachineDriver.chunk("x", 1))
        let error = String(buffer: ProxyAnswer(.unavailable("the verifier ended the request", retryAfter: 1)).body)
        driver.stream(attempt, "data: \(error)\n\ndata: [DONE]\n\n")
        #expect(driver.sent.isEmpty && driver.opened != nil)
        #expect(driver.machine.snapshot.statistics.failovers == [.unavailable: 1])
    }

    @Test func theClientsOwnIntervalOfPingsHolds() throws {
        var driver = MachineDriver("g")
        let call = Calls.completion(#""prompt": "a", "stream": true, "sse_ping_interval": 2"#)
        driver.ask(1, call)
        let attempt = try #require(driver.opened)
        #expect(String(buffer: attempt.call.body).contains("\"sse_ping_interval\":0.25"))
        driver.beginStream(attempt.id)
        var pings = ""
        for _ in 0..<10 {
            _ = driver.wait(.milliseconds(500), answering: [0])
            pings += driver.sent
            driver.stream(attempt.id, ": ping\n\n")
        }
        #expect(pings == ": ping\n\n: ping\n\n")
    }
}
