import NIOCore
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster
@testable import PacelineGateway
@testable import PacelineServer

/// What the gateway reads of a request's body, and what it adds to it.
@Suite struct GenerationOutlineTests {
    private func body(_ call: ProxiedCall, resuming point: ResumePoint? = nil) -> String {
        String(buffer: call.call(resuming: point).body)
    }

    @Test func aWholeAnswerGetsASeedAndNothingElse() {
        #expect(body(Calls.completion(#""prompt": "a""#)) == #"{"prompt": "a","seed":77}"#)
        #expect(body(Calls.completion("")) == #"{"seed":77}"#)
        #expect(body(Calls.completion(#""prompt": "a", "seed": 5"#)) == #"{"prompt": "a", "seed": 5}"#)
    }

    @Test(arguments: [#""seed": null"#, #""seed": -1"#, #""seed": 5, "seed": null"#, #""s\u0065ed": null"#])
    func aSeedThatIsNoneIsDrawn(field: String) throws {
        let fields = try RequestFields(body: Calls.completion(field).call(resuming: nil).body)
        #expect(try GenerationOptions.seed(fields) == 77)
    }

    @Test(arguments: [
        (#""seed": 18446744073709551615"#, UInt64.max), (#""seed": -9223372036854775808"#, 1 << 63),
        (#""seed": 3.0"#, 3),
    ]) func everySeedOfAClientStays(field: String, seed: UInt64) throws {
        let fields = try RequestFields(body: Calls.completion(field).call(resuming: nil).body)
        #expect(try GenerationOptions.seed(fields) == seed)
    }

    @Test func anAnswerThatIsGoneOnWithGetsNoOtherSeedThanItsOwn() {
        let fields = #""prompt": "a", "temperature": 1, "resume": {"tokens": [1]}"#
        #expect(body(Calls.completion(fields)) == "{\(fields)}")
    }

    @Test func aStreamIsAskedForTokenIDsAndPings() {
        let added = #","seed":77,"return_token_ids":true,"sse_ping_interval":0.25}"#
        #expect(body(Calls.completion(#""stream": true"#)) == #"{"stream": true"# + added)
        let own = #"{"stream": true, "return_token_ids": false, "sse_ping_interval": 60, "seed": 1"#
        let call = Calls.call("/v1/completions", own + "} \n")
        #expect(body(call) == own + #","return_token_ids":true,"sse_ping_interval":0.25}"#)
        #expect(call.generation?.showsTokens == false && call.generation?.pingInterval == .seconds(60))
    }

    @Test func whatAVerifierRefusesIsLeftForItToRefuse() {
        for fields in [
            #""stream": true, "seed": "x", "return_token_ids": 1, "sse_ping_interval": 4000"#,
            #""stream": true, "seed": 1.5, "return_token_ids": "no", "sse_ping_interval": []"#,
        ] { #expect(body(Calls.completion(fields)) == "{\(fields)}") }
        for text in [
            "", "[]", "{", #"{"a"}"#, #"{"a": }"#, #"{"a": 1} x"#, "\"{}\"", #"{"a": "}"#, "{,}", "{\"a\":1,}",
        ] {
            let call = Calls.call("/v1/completions", text)
            #expect(call.generation == nil && body(call) == text, "\(text)")
        }
    }

    @Test(arguments: [
        (#""prompt": "a""#, 1), (#""prompt": [1, 2, 3]"#, 1), (#""prompt": ["a", "b,]", "c"]"#, 3),
        (#""prompt": [[1, 2], [3]], "n": 2"#, 4), (#""n": 3"#, 3), (#""n": null"#, 1), (#""prompt": []"#, 1),
    ]) func choicesAreCounted(fields: String, choices: Int) {
        #expect(Calls.completion(fields).generation?.choices == choices)
    }

    @Test func aChatHasOnePrompt() {
        #expect(Calls.chat(#""prompt": ["a", "b"], "n": 2"#).generation?.choices == 2)
    }

    @Test func aBodyOfVeryManyFieldsIsLeftToTheVerifier() {
        let fields = (0..<5000).map { "\"f\($0)\": 1" }.joined(separator: ", ")
        let call = Calls.completion(fields)
        #expect(call.generation == nil && body(call) == "{\(fields)}")
    }

    @Test func aClientsOwnResumptionIsGoneOnWith() throws {
        let call = Calls.completion(
            #""stream": true, "n": 3, "resume": {"tokens": [[1, 2], null, []], "id": "cmpl-!\"", "created": 5}"#
        )
        let resume = try #require(call.generation?.resume)
        #expect(resume == ResumePoint(tokens: [[1, 2], nil, []], id: "cmpl-!\"", created: 5))
        #expect(!body(call).contains("[[1,2]"), "the client's own stands")
        let point = ResumePoint(tokens: [[1, 2, 3], nil, [4]], id: resume.id, created: resume.created)
        let fields = try RequestFields(body: call.call(resuming: point).body)
        #expect(try ResumePoint(try #require(fields.value("resume"))) == point)
    }

    @Test(arguments: [
        #"{"tokens": [1, "2"]}"#, #"{"tokens": [[1], 2]}"#, #"{"tokens": [[-1]]}"#, #"{"tokens": 1}"#, "[]", "{}",
        #"{"tokens": [1], "id": "a b"}"#, #"{"tokens": [1], "created": -1}"#, #"{"tokens": [[1], [2]]}"#,
    ]) func aResumptionThatVerifiersRefuseIsLeftForThemToRefuse(resume: String) {
        let call = Calls.completion("\"stream\": true, \"resume\": \(resume)")
        #expect(call.generation?.resume == nil && body(call).contains(resume))
    }

    @Test func flatTokensAreThoseOfTheOnlyChoice() {
        #expect(Calls.completion(#""resume": {"tokens": [4, 5]}"#).generation?.resume == ResumePoint(tokens: [[4, 5]]))
        #expect(Calls.completion(#""resume": {"tokens": []}"#).generation?.resume == ResumePoint(tokens: [[]]))
    }

    @Test func anyBodyThatIsJSONIsUnderstoodAndAnyOtherChangesNothing() {
        var random = SplitMix(seed: 1)
        let parts = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "1", "null", "true", " ", "\"seed\"", "é", "\n",
        ]
        for _ in 0..<20_000 {
            var text = random.next(below: 2) == 0 ? "{\"a\":" : ""
            for _ in 0..<random.next(below: 12) { text += parts[random.next(below: parts.count)] }
            if random.next(below: 2) == 0 { text += "}" }
            let call = Calls.call("/v1/completions", text)
            let isObject = (try? RequestFields(body: ByteBuffer(string: text))) != nil
            if isObject {
                #expect(call.generation != nil, "\(text)")
                #expect((try? RequestFields(body: call.call(resuming: nil).body)) != nil, "\(text)")
            }
            if call.generation == nil { #expect(body(call) == text) }
        }
    }

    @Test(arguments: [
        ("10.0.0.1:80", "10.0.0.1:80"), ("http://a.example:8080/", "a.example:8080"),
        ("https://[::1]:443", "https://[::1]:443"),
    ]) func addressesAreReadInAllTheirForms(text: String, description: String) throws {
        let address = try ReplicaAddress(text)
        #expect("\(address)" == description)
        #expect(address.url == (text.hasPrefix("https") ? description : "http://\(description)"))
    }

    @Test(arguments: ["", "a", "a:0", "ftp://a:80", "http://a", "http://a:80/path", "https://"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: ShellError.self) { try ReplicaAddress(text) }
    }
}
