import PacelineGrammar
import PacelineSpeculation
import Testing

/// Grammars as they travel to draft workers.
@Suite("A grammar's source as JSON")
struct SourceJSONTests {
    private static let written: [(source: GrammarSource, json: String)] = [
        (.jsonObject, #"{"json_object": true}"#),
        (.jsonSchema(#"{"type": "string"}"#), #"{"json_schema": "{\"type\": \"string\"}"}"#),
        (.regex(#"\d+"#), #"{"regex": "\\d+"}"#),
        (.gbnf("root ::= \"a\"\n"), #"{"gbnf": "root ::= \"a\"\n"}"#),
        (
            .sequence([.text("Answer: "), .choice(["yes", "no"])]),
            #"{"sequence": [{"text": "Answer: "}, {"choice": ["yes", "no"]}]}"#
        ),
        (
            .alternatives([
                .repetition(.text("a"), minimum: 1, maximum: nil), .repetition(.jsonObject, minimum: 0, maximum: 3),
            ]),
            #"{"alternatives": [{"repetition": {"part": {"text": "a"}, "minimum": 1, "maximum": null}}, "#
                + #"{"repetition": {"part": {"json_object": true}, "minimum": 0, "maximum": 3}}]}"#
        ),
    ]

    @Test("has one member a part, as the protocol says", arguments: 0..<6)
    func form(index: Int) throws {
        let (source, json) = Self.written[index]
        #expect(source.json == json)
        #expect(try GrammarSource(json: json) == source)
    }

    @Test("comes back as it was")
    func roundTrip() throws {
        var random = SplitMix(seed: 19)
        for _ in 0..<2000 {
            let source = Self.source(depth: 0, &random)
            #expect(try GrammarSource(json: source.json) == source)
        }
    }

    @Test(
        "is refused with the place of what is wrong",
        arguments: [
            ("", "$"), ("nonsense", "$"), ("[]", "$"), ("{}", "$"), (#"{"text": "a", "regex": "b"}"#, "$"),
            (#"{"hologram": "a"}"#, "$.hologram"), (#"{"text": 1}"#, "$.text"),
            (#"{"json_object": false}"#, "$.json_object"),
            (#"{"choice": ["a", null]}"#, "$.choice[1]"), (#"{"sequence": {"text": "a"}}"#, "$.sequence"),
            (#"{"sequence": [{"text": "a"}, "b"]}"#, "$.sequence[1]"),
            (#"{"repetition": {"part": {"text": "a"}}}"#, "$.repetition"),
            (
                #"{"repetition": {"part": {"text": "a"}, "minimum": 1.5, "maximum": null}}"#,
                "$.repetition"
            ),
            (
                #"{"repetition": {"part": {"text": "a"}, "minimum": 0, "maximum": "many"}}"#,
                "$.repetition.maximum"
            ),
            (#"{"text": "\ud800"#, "$"),
        ]
    )
    func refused(json: String, place: String) {
        let error = #expect(throws: GrammarError.self) { try GrammarSource(json: json) }
        #expect(error?.place == place)
    }

    @Test("is nested as deep as it may be, and no deeper", arguments: [16, 17, 5000])
    func depth(depth: Int) {
        let json =
            String(repeating: #"{"sequence": ["#, count: depth) + #"{"text": "a"}"#
            + String(repeating: "]}", count: depth)
        let source = try? GrammarSource(json: json)
        #expect((source != nil) == (depth <= 16))
        if let source { #expect((try? Grammar(source)) != nil) }
    }

    @Test("of any bytes is read or refused")
    func mutations() {
        var random = SplitMix(seed: 4)
        var read = 0
        for _ in 0..<20_000 {
            var bytes = Array(Self.source(depth: 0, &random).json.utf8)
            for _ in 0..<random.next(below: 4) {
                let place = random.next(below: bytes.count)
                switch random.next(below: 3) {
                case 0: bytes[place] = UInt8(random.next(below: 256))
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + random.next(below: 9)))
                default: bytes.insert(contentsOf: bytes[..<place].suffix(9), at: place)
                }
                if bytes.isEmpty { bytes = [0x7b] }
            }
            guard let source = try? GrammarSource(json: String(decoding: bytes, as: UTF8.self)) else { continue }
            read += 1
            #expect((try? GrammarSource(json: source.json)) == source)
        }
        #expect(read > 2000 && read < 20_000)
    }

    private static func source(depth: Int, _ random: inout SplitMix) -> GrammarSource {
        switch random.next(below: depth < 3 ? 9 : 6) {
        case 0: .jsonObject
        case 1: .jsonSchema(text(&random))
        case 2: .regex(text(&random))
        case 3: .gbnf(text(&random))
        case 4: .choice((0..<random.next(below: 4)).map { _ in text(&random) })
        case 5: .text(text(&random))
        case 6: .sequence((0..<random.next(below: 4)).map { _ in source(depth: depth + 1, &random) })
        case 7: .alternatives((0..<random.next(below: 4)).map { _ in source(depth: depth + 1, &random) })
        default:
            .repetition(
                source(depth: depth + 1, &random),
                minimum: random.next(below: 5),
                maximum: random.next(below: 2) == 0 ? nil : random.next(below: 900)
            )
        }
    }

    private static func text(_ random: inout SplitMix) -> String {
        let pieces = ["a", "\"", "\\", "\n", "\0", "\u{1f}", "é", "🙂", "{}", "[", "null", "\u{7f}", "\\u0041", " "]
        return (0..<random.next(below: 8)).map { _ in pieces[random.next(below: pieces.count)] }.joined()
    }
}
