import Foundation
import HTTPTypes
import NIOCore
import PacelineServer
import PacelineSpeculation
import Testing

/// Mutated bodies: each is answered or refused with a typed error.
///
/// `PACELINE_FUZZ_RUNS=1000000 swift test -c release --filter RequestFuzzTests` is the long run; `PACELINE_FUZZ_SEED`
/// chooses other bodies.
@Suite("Mutated bodies")
struct RequestFuzzTests {
    private static let bodies = [
        #"{"model":"tiny","prompt":"Once upon a \u00e9\ud83d\ude00","max_tokens":4,"temperature":0.7,"seed":-3}"#,
        #"{"prompt":[[1,2,3],[4]],"n":2,"echo":true,"logprobs":3,"stop":["a","\n"],"logit_bias":{"3":-1.5}}"#,
        #"""
        {"prompt":"x","resume":{"tokens":[1,2]},"seed":1,"speculative":{"n_max":0},
         "prediction":{"type":"content","content":"y"}}
        """#,
        #"""
        {"messages":[{"role":"system","content":"Be brief"},{"role":"user","content":[{"type":"text","text":"Hi"}]}],
         "stream":true,"stream_options":{"include_usage":true}}
        """#,
        #"""
        {"messages":[{"role":"user","content":"2+2?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1",
         "type":"function","function":{"name":"add","arguments":"{\"a\":2,\"b\":[1,{\"c\":null}]}"}}]},
         {"role":"tool","tool_call_id":"c1","content":"4"}],"tools":[{"type":"function","function":{"name":"add",
         "parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}],
         "chat_template_kwargs":{"enable_thinking":false}}
        """#,
    ]

    private static let fragments = [
        "null", "true", "[]", "{}", "\"\"", "-1", "0", "1e999", "-0.0", "99999999999999999999", "\\u0000", "\\ud800",
        "[[[[", "}}", ",", ":", "\"", "\\", "\u{FF}", "[1,2]", "{\"a\":{\"b\":[]}}", "\"n\":3,", "1.5", "4294967296",
    ]

    private struct Mutator {
        var random: SplitMix

        mutating func draw(_ count: Int) -> Int { count == 0 ? 0 : Int(random.next() % UInt64(count)) }

        mutating func body() -> [UInt8] {
            var bytes = Array(RequestFuzzTests.bodies[draw(RequestFuzzTests.bodies.count)].utf8)
            for _ in 0...draw(4) {
                let place = draw(bytes.count)
                switch draw(6) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + draw(12)))
                case 3:
                    bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + draw(40))], at: draw(bytes.count))
                case 4:
                    let fragment = RequestFuzzTests.fragments[draw(RequestFuzzTests.fragments.count)]
                    bytes.insert(contentsOf: Array(fragment.utf8), at: place)
                default: replaceValue(&bytes)
                }
                if bytes.isEmpty { bytes = [UInt8(ascii: "{")] }
            }
            return bytes
        }

        /// Puts something else behind a colon, so that many bodies stay valid JSON.
        private mutating func replaceValue(_ bytes: inout [UInt8]) {
            let colons = bytes.indices.filter { bytes[$0] == UInt8(ascii: ":") }
            guard !colons.isEmpty else { return }
            let start = colons[draw(colons.count)] + 1
            let end = bytes[start...].firstIndex { [UInt8(ascii: ","), UInt8(ascii: "}")].contains($0) } ?? bytes.count
            let fragment = RequestFuzzTests.fragments[draw(RequestFuzzTests.fragments.count)]
            bytes.replaceSubrange(start..<end, with: Array(fragment.utf8))
        }
    }

    /// Bytes of memory that the process holds.
    private static func memory() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4096
    }

    @Test("are answered or refused, and leave nothing behind")
    func bodies() async throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["PACELINE_FUZZ_RUNS"].flatMap { Int($0) } ?? 2000
        let seed = environment["PACELINE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        let model = try TestModel.served(contextLength: 128)
        let endpoints: [APICalls.Endpoint] = [
            .chat, .completions, .tokenize, .detokenize, .applyTemplate, .inputTokens,
        ]
        var mutator = Mutator(random: SplitMix(seed: seed))
        var answered = 0, refused = 0, start = 0
        for index in 0..<count {
            if index == count / 10 { start = try Self.memory() }
            let body = mutator.body()
            // A backend each, because it remembers its requests.
            let calls = APICalls(model: model, backend: TextBackend(model.tokenizer, ["ab"]))
            do {
                switch try await calls.reply(endpoints[mutator.draw(endpoints.count)], bytes: body) {
                case .whole: break
                case .events(_, let write): try await write(EventWriter { _ in })
                }
                answered += 1
            } catch let error as APIError {
                refused += 1
                #expect(error.status.code < 500, "\(String(decoding: body, as: UTF8.self)): \(error)")
            }
        }
        #expect(answered > count / 100 && refused > count / 10, "\(answered) answered, \(refused) refused")
        #expect(try Self.memory() - start < 1 << 28)
    }
}
