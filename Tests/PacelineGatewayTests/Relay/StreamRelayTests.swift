import HTTPTypes
import NIOCore
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineGateway
@testable import PacelineServer

/// What a client gets of streams that are cut anywhere is what it would have got of one stream.
@Suite struct StreamRelayTests {
    /// Relays the answer to a call whose streams are cut after some bytes, and whole in the end.
    ///
    /// - Parameter cut: how many bytes of a stream of this length come; nil for all.
    private func relayed(
        _ call: ProxiedCall,
        _ verifier: ReferenceVerifier,
        _ random: inout SplitMix,
        cut: (Int, inout SplitMix) -> Int?
    ) throws -> (text: String, resumptions: Int) {
        let outline = try #require(call.generation)
        var relay = StreamRelay(outline, eventLimit: 1 << 20)
        var (received, resumptions) = ("", -1)
        while true {
            resumptions += 1
            relay.begin()
            let stream = try verifier.events(call.call(resuming: relay.point), &random).joined()
            let limit = cut(stream.utf8.count, &random)
            var rest = ByteBuffer(bytes: stream.utf8.prefix(limit ?? stream.utf8.count))
            while rest.readableBytes > 0 {
                let length = min(rest.readableBytes, 1 + random.next(below: 400))
                guard let part = rest.readSlice(length: length) else { break }
                let output = relay.take(part)
                received += String(buffer: output.bytes)
                if case .complete? = output.ending { return (received, resumptions) }
                #expect(output.ending == nil)
            }
            if relay.isComplete { return (received + "data: [DONE]\n\n", resumptions) }
        }
    }

    /// What a verifier alone sends for the same request and seed.
    private func direct(_ call: ProxiedCall, _ verifier: ReferenceVerifier) throws -> StreamText {
        var random = SplitMix(seed: 1)
        var body = String(buffer: call.body)
        body = String(body.dropLast()) + ", \"seed\": \(Self.seed(of: call))}"
        let plain = UpstreamCall(method: .post, path: call.path, headers: [:], body: ByteBuffer(string: body))
        return try StreamText(verifier.events(plain, &random).joined())
    }

    /// The seed that verifiers get.
    private static func seed(of call: ProxiedCall) -> UInt64 {
        let fields = JSONFields(call.call(resuming: nil).body)
        return UInt64(fields?.value("seed")?.wholeNumber ?? 0)
    }

    private func check(_ received: String, of call: ProxiedCall, _ verifier: ReferenceVerifier, _ note: Comment) throws
    {
        let text = try StreamText(received)
        #expect(try text.withoutIdentity == direct(call, verifier).withoutIdentity, note)
        #expect(text.identities.count == 1 && text.ends == 1 && text.isEnded, note)
        #expect(call.generation?.showsTokens == true || !received.contains("token_ids"), note)
    }

    @Test func aStreamThatIsCutAnywhereAnyNumberOfTimesGoesOnAsIfItHadNotBeen() throws {
        let verifier = try ReferenceVerifier()
        var resumptions = 0
        for seed in 0..<200 as Range<UInt64> {
            var random = SplitMix(seed: seed)
            let call = Calls.drawn(&random)
            let result = try relayed(call, verifier, &random) { length, random in
                random.next(below: 3) == 0 ? nil : random.next(below: length)
            }
            resumptions += result.resumptions
            try check(result.text, of: call, verifier, "seed \(seed): \(String(buffer: call.body))")
        }
        #expect(resumptions > 200)
    }

    @Test func tokenIDsAreFoundInAnyOrder() throws {
        let call = Calls.completion(#""prompt": "a", "stream": true"#)
        var relay = StreamRelay(try #require(call.generation), eventLimit: 1 << 20)
        relay.begin()
        let before = #"data: {"id":"cmpl-1","choices":[{"index":0,"text":"x","finish_reason":null"#
        let output = relay.take(ByteBuffer(string: before + #","prompt_token_ids":[1,2],"token_ids":[3]}]}"# + "\n\n"))
        #expect(String(buffer: output.bytes) == before + "}]}\n\n")
        #expect(output.tokens == 1 && relay.point?.tokens == [[3]])
    }

    @Test func noBytesOfAReplicaTrap() throws {
        let verifier = try ReferenceVerifier()
        var random = SplitMix(seed: 5)
        var endings = 0
        for _ in 0..<300 {
            let call = Calls.drawn(&random)
            let events = try verifier.events(call.call(resuming: nil), &random).joined()
            for _ in 0..<10 {
                var bytes = Array(events.utf8)
                for _ in 0..<(1 + random.next(below: 4)) {
                    let (one, other) = (random.next(below: bytes.count), random.next(below: bytes.count))
                    let part = bytes[min(one, other)..<min(max(one, other), min(one, other) + 40)]
                    switch random.next(below: 3) {
                    case 0: bytes.insert(contentsOf: part, at: random.next(below: bytes.count))
                    case 1: bytes.removeSubrange(part.indices)
                    default: bytes[one] = UInt8(truncatingIfNeeded: random.next())
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                var relay = StreamRelay(try #require(call.generation), eventLimit: 1 << 20)
                relay.begin()
                if relay.take(ByteBuffer(bytes: bytes)).ending != nil { endings += 1 }
                _ = relay.point
            }
        }
        #expect(endings > 100)
    }

    @Test func aStreamThatIsNotCutHasTheVeryBytesOfAVerifierThatWasNotAskedForTokenIDs() throws {
        let verifier = try ReferenceVerifier()
        for seed in 0..<100 as Range<UInt64> {
            var random = SplitMix(seed: seed)
            let call = Calls.drawn(&random)
            var outlineOfOne = random
            let relayed = try relayed(call, verifier, &random) { _, _ in nil }.text
            let plain = UpstreamCall(
                method: .post,
                path: call.path,
                headers: [:],
                body: ByteBuffer(string: String(buffer: call.body).dropLast() + ", \"seed\": \(Self.seed(of: call))}")
            )
            let direct = try verifier.events(plain, &outlineOfOne).joined()
            #expect(Self.anonymous(relayed) == Self.anonymous(direct), "seed \(seed): \(String(buffer: call.body))")
        }
    }

    /// A stream without the id and the time of its chunks, with the chunks of each choice together.
    private static func anonymous(_ stream: String) -> [String] {
        let events = stream.split(separator: "\n\n").map { event in
            event.replacing(/"id":"[^"]*"/, with: "").replacing(/"created":\d+/, with: "")
        }
        return events.enumerated().sorted { left, right in
            let keys = [left, right].map { entry in
                entry.element.firstMatch(of: /"choices":\[\{"index":(\d+)/).map { Int($0.1) ?? 0 } ?? Int.max
            }
            return (keys[0], left.offset) < (keys[1], right.offset)
        }.map { String($0.element) }
    }

    @Test func thePiecesOfOneCommitReachTheClientTogetherOrNotAtAll() throws {
        let call = Calls.chat("\"stream\": true")
        var relay = StreamRelay(try #require(call.generation), eventLimit: 1 << 20)
        relay.begin()
        let start = #"data: {"id":"a","object":"chat.completion.chunk","created":5,"choices":[{"index":0,"delta":"#
        let end = #","logprobs":null,"finish_reason":null"#
        let role = start + #"{"role":"assistant","content":""}"# + end + "}]}\n\n"
        let thought = start + #"{"reasoning_content":"hm"}"# + end + "}]}\n\n"
        let word = start + #"{"content":"so"}"# + end + #","token_ids":[7,8]}]}"# + "\n\n"
        let first = relay.take(ByteBuffer(string: role + thought))
        #expect(first.bytes.readableBytes == 0 && relay.point == nil)
        let second = relay.take(ByteBuffer(string: word))
        let shown = role + thought + start + #"{"content":"so"}"# + end + "}]}\n\n"
        #expect(String(buffer: second.bytes) == shown && second.tokens == 2)
        #expect(relay.point == ResumePoint(tokens: [[7, 8]], id: "a", created: 5))
    }

    @Test func chunksOfAnotherAnswerEndThePartOfAReplica() throws {
        let call = Calls.completion(#""prompt": "a", "stream": true"#)
        func chunk(_ id: String, _ token: Int) -> ByteBuffer {
            ByteBuffer(
                string:
                    "data: {\"id\":\"\(id)\",\"created\":5,\"choices\":[{\"index\":0,\"text\":\"x\",\"logprobs\":null,"
                    + "\"finish_reason\":null,\"token_ids\":[\(token)]}]}\n\n"
            )
        }
        var relay = StreamRelay(try #require(call.generation), eventLimit: 1 << 20)
        relay.begin()
        #expect(relay.take(chunk("a", 1)).ending == nil)
        relay.begin()
        guard case .foreign? = relay.take(chunk("b", 2)).ending else {
            Issue.record("a chunk with another id passed")
            return
        }
        relay.begin()
        #expect(relay.take(chunk("a", 2)).ending == nil)
        #expect(relay.point?.tokens == [[1, 2]])
    }

    @Test func anEventWithoutEndIsNotKeptBeyondTheLimit() throws {
        let call = Calls.completion(#""prompt": "a", "stream": true"#)
        var relay = StreamRelay(try #require(call.generation), eventLimit: 1000)
        relay.begin()
        #expect(relay.take(ByteBuffer(repeating: 0x61, count: 1000)).ending == nil)
        guard case .foreign? = relay.take(ByteBuffer(repeating: 0x61, count: 1)).ending else {
            Issue.record("1,001 bytes were kept")
            return
        }
    }
}
