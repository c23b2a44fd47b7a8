import HTTPTypes
import PacelineCluster
import Testing

@testable import PacelineGateway
@testable import PacelineServer

/// The seed in the head of an answer: with it a client can ask for the rest, whatever becomes of the answer.
@Suite struct SeedTests {
    private func seed(_ fields: String) throws -> String? {
        var driver = MachineDriver("g")
        driver.ask(1, Calls.completion(#""prompt": "a", "stream": true"# + fields))
        let attempt = try #require(driver.opened).id
        driver.beginStream(attempt, seed: "5")
        driver.stream(attempt, MachineDriver.chunk("x", 1))
        return try #require(driver.begun)[.pacelineSeed]
    }

    @Test func theHeadOfAStreamNamesTheSeedThatIsAskedFor() throws {
        #expect(try seed("") == "\(Calls.seed)")
        #expect(try seed(#", "seed": -1"#) == "\(Calls.seed)")
        #expect(try seed(#", "seed": 12"#) == "12")
        #expect(try seed(#", "seed": -2"#) == "18446744073709551614")
        #expect(try seed(#", "seed": 18446744073709551615"#) == "18446744073709551615")
        #expect(try seed(#", "seed": 3.0"#) == "3")
    }

    @Test func aResumptionWithoutASeedHasTheOneThatItsVerifierNames() throws {
        #expect(try seed(#", "temperature": 0, "resume": {"tokens": [1]}"#) == "5")
        #expect(try seed(#", "resume": {"tokens": [1]}, "seed": 8"#) == "8")
    }

    @Test func aPingBeforeAnyVerifierHasAnsweredNamesItToo() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Calls.completion(#""prompt": "a", "stream": true, "sse_ping_interval": 1"#))
        driver.give(.attemptFailed(try #require(driver.opened).id, .disconnected))
        _ = driver.wait(.seconds(2), answering: [0, 1])
        #expect(driver.sent.hasPrefix(":"))
        #expect(try #require(driver.begun)[.pacelineSeed] == "\(Calls.seed)")
    }

    @Test func anAnswerInOnePieceKeepsTheHeaderOfItsVerifier() throws {
        var driver = MachineDriver("g")
        driver.ask(1, Calls.completion(#""prompt": "a""#))
        let attempt = try #require(driver.opened).id
        let headers: HTTPFields = [.contentType: "application/json", .pacelineSeed: "77"]
        driver.give(.answerBegan(attempt, AnswerHead(status: .ok, headers: headers)))
        driver.give(.answerEnded(attempt))
        #expect(driver.answer?.headers[.pacelineSeed] == "77")
    }
}
