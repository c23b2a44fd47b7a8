import PacelineModel
import PacelineTestKit
import PacelineTraining
import Testing

@Suite("Errors of head files")
struct HeadFileErrorTests {
    /// A change to a head's file, and a part of what is said about it.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let change: @Sendable (inout GGUFWriter) -> Void
        let words: String

        init(_ description: String, _ words: String, _ change: @escaping @Sendable (inout GGUFWriter) -> Void) {
            (testDescription, self.words, self.change) = (description, words, change)
        }
    }

    static let cases: [Case] = [
        Case("a model", "is not a draft head (its architecture is \"llama\")") {
            $0.set("general.architecture", .string("llama"))
        },
        Case("no architecture", "(it states no architecture)") { $0.set("general.architecture", .uint32(1)) },
        Case("later version", "version 2, but this paceline knows version 1") { $0.set(key("version"), .uint32(2)) },
        Case("missing flag", "lacks the metadata key paceline-eagle.input_norm (a bool)") {
            $0.rename(key("input_norm"), "other")
        },
        Case("flag of another kind", "has 1 for the metadata key paceline-eagle.input_norm, but a bool is needed") {
            $0.set(key("input_norm"), .uint32(1))
        },
        Case("flag without its tensor", "lacks the tensor fc.bias") { $0.set(key("fusion_bias"), .bool(true)) },
        Case("tensor without its flag", "has the tensor hnorm.weight that a head of its kind does not use") {
            $0.set(key("feature_norm"), .bool(false))
        },
        Case("width of another target", "has 32 for the metadata key paceline-eagle.embedding_length, but 64") {
            $0.set(key("target.embedding_length"), .uint32(64))
        },
        Case("hidden size", "for the tensor blk.0.ffn_gate.weight, but [32, 50] are needed") {
            $0.set(key("feed_forward_length"), .uint32(50))
        },
        Case("key heads", "has 3 for the metadata key paceline-eagle.attention.head_count_kv, but a divisor of 4") {
            $0.set(key("attention.head_count_kv"), .uint32(3))
        },
        Case("odd rotation", "has 7 for the metadata key paceline-eagle.rope.dimension_count, but an even") {
            $0.set(key("rope.dimension_count"), .uint32(7))
        },
        Case("no theta", "paceline-eagle.rope.freq_base, but a finite number above 0") {
            $0.set(key("rope.freq_base"), .float32(.nan))
        },
        Case("negative epsilon", "layer_norm_rms_epsilon, but a finite number above 0") {
            $0.set(key("attention.layer_norm_rms_epsilon"), .float32(-1e-5))
        },
        Case("two layers", "has 2 for the metadata key paceline-eagle.block_count") {
            $0.set(key("block_count"), .uint32(2))
        },
        Case("tap beyond the target", "has 9 for the metadata key paceline-eagle.target.taps, but 0 to 4") {
            $0.set(key("target.taps"), .int32s([9]))
        },
        Case("negative tap", "has -1 for the metadata key paceline-eagle.target.taps") {
            $0.set(key("target.taps"), .int32s([-1]))
        },
        Case("three taps", "has 3 taps for the metadata key") { $0.set(key("target.taps"), .int32s([0, 1, 2])) },
        Case("draft vocabulary", "[27] for the tensor d2t, but [26] are needed") {
            $0.set(key("draft_vocab_size"), .uint32(26))
        },
        Case("larger than the target's vocabulary", "an integer from 1 to 40 is needed") {
            $0.set(key("draft_vocab_size"), .uint32(41))
        },
        Case("quantised weights", "has the type Q8_0 in the tensor blk.0.attn_q.weight, but F16 or F32") {
            $0.claim("blk.0.attn_q.weight", type: 8)
        },
        Case("32-bit map", "has the type I32 in the tensor d2t, but I64 is needed") { $0.claim("d2t", type: 26) },
    ]

    static func key(_ name: String) -> String { "paceline-eagle.\(name)" }

    @Test("a file that is not as it must be is refused with one plain sentence", arguments: cases)
    func refusal(_ test: Case) throws {
        var writer = try HeadWriter(SmallHead()).writer
        test.change(&writer)
        let error = #expect(throws: HeadFileError.self) {
            try HeadFile(GGUFFile(bytes: writer.serialised(), name: "head.gguf"))
        }
        let sentence = "\(try #require(error))"
        #expect(sentence.contains(test.words), "\(sentence)")
        #expect(sentence.hasPrefix("head.gguf ") && !sentence.contains("\n"))
    }

    @Test("the file that the cases change is a head")
    func unchanged() throws {
        let small = try SmallHead()
        let writer = HeadWriter(small).writer
        #expect(try HeadFile(GGUFFile(bytes: writer.serialised(), name: "head.gguf")) == small.file)
    }

    @Test(
        "draft tokens must be absolute ids in ascending order, once each, in the target's vocabulary",
        arguments: [
            (
                place: 4, token: 5,
                words: "has the token 5 at index 4 of the tensor d2t, but needs one above 5 and below 40"
            ),
            (place: 26, token: 40, words: "has the token 40 at index 26"),
            (place: 0, token: -1, words: "has the token -1 at index 0 of the tensor d2t, but needs one above -1"),
        ]
    )
    func draftTokens(place: Int, token: Int, words: String) throws {
        var head = HeadWriter(try SmallHead())
        head.tokens[place] = token
        let bytes = head.writer.serialised()
        let error = #expect(throws: HeadFileError.self) { try HeadFile(GGUFFile(bytes: bytes, name: "head.gguf")) }
        #expect("\(try #require(error))".contains(words))
    }

    @Test("weights that are not finite are refused", arguments: [Float.nan, .infinity])
    func notFinite(_ value: Float) throws {
        var head = HeadWriter(try SmallHead())
        let slice = try #require(head.head.shape.layout["attn_v.weight"])
        head.parameters[slice.offset + 40] = value
        let bytes = head.writer.serialised()
        let error = #expect(throws: HeadFileError.self) { try HeadFile(GGUFFile(bytes: bytes, name: "head.gguf")) }
        #expect(error?.reason == .notFinite(tensor: "blk.0.attn_v.weight", index: 40))
    }
}

/// Writes a head's file as the format says, without the code that is tested.
struct HeadWriter {
    let head: SmallHead
    var parameters: [Float]
    var tokens: [Int]

    init(_ head: SmallHead) {
        self.head = head
        (parameters, tokens) = (head.parameters, head.vocabulary.targetTokens)
    }

    var writer: GGUFWriter {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("paceline-eagle"))
        func add(_ key: String, _ value: GGUFWriter.Value) { writer.add("paceline-eagle.\(key)", value) }
        let counts = [
            ("version", 1), ("embedding_length", 32), ("draft_vocab_size", 27), ("block_count", 1),
            ("feed_forward_length", 48), ("attention.head_count", 4), ("attention.head_count_kv", 2),
            ("attention.key_length", 8), ("rope.dimension_count", 8), ("target.embedding_length", 32),
            ("target.vocab_size", 40), ("target.block_count", 3),
        ]
        for (key, count) in counts { add(key, .uint32(UInt32(count))) }
        add("attention.layer_norm_rms_epsilon", .float32(1e-5))
        add("rope.freq_base", .float32(100))
        for key in ["rope.halves", "embedding_norm", "feature_norm", "input_norm", "output_norm"] {
            add(key, .bool(true))
        }
        for key in ["fusion_bias", "attention.bias"] { add(key, .bool(false)) }
        for (key, text) in [("name", "small"), ("fingerprint", "0123456789ab"), ("tokenizer", "feed")] {
            add("target.\(key)", .string(text))
        }
        add("target.taps", .int32s([4]))
        addTensors(to: &writer)
        return writer
    }

    private func addTensors(to writer: inout GGUFWriter) {
        for tensor in head.shape.layout.tensors {
            let isOuter = ["fc", "enorm", "hnorm", "output_norm"].contains(tensor.name.split(separator: ".")[0])
            let slice = tensor.slice
            let columns = UInt64(slice.columns)
            writer.addTensor(
                (isOuter ? "" : "blk.0.") + tensor.name,
                dimensions: slice.rows > 1 ? [columns, UInt64(slice.rows)] : [columns],
                type: 0,
                bytes: parameters[slice.range].withUnsafeBytes { Array($0) }
            )
        }
        let bytes = tokens.flatMap { token in withUnsafeBytes(of: Int64(token).littleEndian) { Array($0) } }
        writer.addTensor("d2t", dimensions: [UInt64(tokens.count)], type: 27, bytes: bytes)
    }
}
