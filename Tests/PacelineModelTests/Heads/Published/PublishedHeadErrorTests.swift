import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import PacelineTraining
import Testing

@Suite("Errors of published heads")
struct PublishedHeadErrorTests {
    /// A change to a published head, and a part of what is said about it.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let words: String
        let make: @Sendable () -> PublishedFixture
        let change: @Sendable (inout PublishedFixture) -> Void

        init(
            _ description: String,
            _ words: String,
            _ make: @escaping @Sendable () -> PublishedFixture = { .eagle3() },
            _ change: @escaping @Sendable (inout PublishedFixture) -> Void
        ) {
            (testDescription, self.words, self.make, self.change) = (description, words, make, change)
        }
    }

    static let cases: [Case] = [
        Case("missing tensor", "lacks the tensor midlayer.mlp.up_proj.weight") {
            $0.tensors["midlayer.mlp.up_proj.weight"] = nil
        },
        Case("wrong shape", "has the shape [32, 64] for the tensor fc.weight, but its configuration and the target") {
            $0.add("fc.weight", [32, 64])
        },
        Case("wrong type", "has the type I64 in the tensor norm.weight, but F32, F16 or BF16 is needed") {
            $0.add("norm.weight", integers: Array(0..<32))
        },
        Case("unknown type", "has the type F7 in the tensor norm.weight") { $0.tensors["norm.weight"]?.type = "F7" },
        Case("unknown tensor", "has the tensor midlayer.self_attn.q_norm.weight that Paceline does not know") {
            $0.add("midlayer.self_attn.q_norm.weight", [8])
        },
        Case("draft token beyond the target", "stands for the target's token 52 at index 13 of the tensor d2t") {
            $0.add("d2t", integers: [Int](repeating: 0, count: 13) + [39, 0])
        },
        Case("negative draft token", "stands for the target's token -1 at index 0") {
            $0.add("d2t", integers: [-1] + [Int](repeating: 0, count: 14))
        },
        Case("a draft token twice", "stands for the target's token 0 a second time at index 1") {
            $0.add("d2t", integers: [0, -1] + [Int](repeating: 0, count: 13))
        },
        Case("no map", "lacks the tensor d2t") { $0.tensors["d2t"] = nil },
        Case("map of another length", "has the shape [3] for the tensor d2t") { $0.add("d2t", integers: [0, 0, 0]) },
        Case("other width", "for a target whose width is 64, but that of this target is 32") {
            $0.configuration["hidden_size"] = "64"
        },
        Case("other target's features", "for a target whose width is 48, but that of this target is 32") {
            $0.configuration["target_hidden_size"] = "48"
        },
        Case("other vocabulary", "whose vocabulary's size is 50, but that of this target is 40") {
            $0.configuration["vocab_size"] = "50"
        },
        Case("tap beyond the target", "has [1, 6, 13] for the layers that it reads") {
            $0.configuration["eagle_aux_hidden_state_layer_ids"] = "[1, 6, 13]"
        },
        Case("key heads", "has 3 for num_key_value_heads in its configuration, but a divisor of 4") {
            $0.configuration["num_key_value_heads"] = "3"
        },
        Case("no heads", "has nothing for num_attention_heads") { $0.configuration["num_attention_heads"] = nil },
        Case("huge heads", "has 9223372036854775807 for num_attention_heads") {
            $0.configuration["num_attention_heads"] = "9223372036854775807"
        },
        Case("unknown rotation", "has \"yarn\" for rope_scaling.rope_type") {
            $0.configuration["rope_scaling"] = "{\"rope_type\": \"yarn\", \"factor\": 4.0}"
        },
        Case("activation", "has gelu for hidden_act") { $0.configuration["hidden_act"] = "\"gelu\"" },
        Case("negative epsilon", "has -1.0 for rms_norm_eps") { $0.configuration["rms_norm_eps"] = "-1" },
        Case("configuration of another kind", "config.json that cannot be read (hiddenSize is of another kind)") {
            $0.configuration["hidden_size"] = "\"wide\""
        },
        Case("configuration that is no JSON", "config.json that cannot be read (it is not valid JSON)") {
            $0.configuration["hidden_size"] = "]"
        },
        Case("no configuration", "needs the config.json that it was published with") { $0.configuration = [:] },
        Case("norm that the flag promises", "lacks the tensor fc_norm.0.weight") {
            $0.configuration["fc_norm"] = "true"
        },
        Case("EAGLE-1 without its layer's norm", "lacks the tensor layers.0.post_attention_layernorm", { .eagle() }) {
            $0.tensors["layers.0.post_attention_layernorm.weight"] = nil
        },
        Case("EAGLE-1 with another output", "has the tensor lm_head.weight that Paceline does not", { .eagle() }) {
            $0.add("lm_head.weight", [40, 32])
        },
        Case("Medusa with its own outputs", "output matrix for each of its heads", { .medusa }) {
            for head in 0..<3 { $0.add("\(head).2.weight", [40, 32]) }
        },
        Case("Medusa of another width", "has the shape [16, 16] for the tensor 0.0.linear.weight", { .medusa }) {
            $0.add("0.0.linear.weight", [16, 16])
        },
        Case("DFlash", "is a DFlash or DSpark head", { .medusa }) { $0.add("hidden_norm.weight", [32]) },
        Case("something else", "has the tensors of no head that Paceline knows", { .medusa }) {
            $0.tensors = [:]
            $0.add("wte.weight", [40, 32])
        },
    ]

    @Test("a head that is not as it must be is refused with one plain sentence", arguments: cases)
    func refusal(_ test: Case) throws {
        var fixture = test.make()
        _ = try fixture.open()
        test.change(&fixture)
        let error = #expect(throws: PublishedHeadError.self) { try fixture.open() }
        let sentence = "\(try #require(error))"
        #expect(sentence.contains(test.words), "\(sentence)")
        #expect(!sentence.contains("\n") && sentence.contains("model.safetensors "))
    }

    @Test("weights that are not finite are refused")
    func notFinite() throws {
        var fixture = PublishedFixture.eagle3(type: "F32")
        fixture.tensors["norm.weight"]?.bytes.replaceSubrange(12..<16, with: [0, 0, 0xc0, 0x7f])
        let error = #expect(throws: PublishedHeadError.self) { try fixture.open() }
        #expect(error?.reason == .notFinite(tensor: "norm.weight", index: 3))
    }

    // MARK: Containers

    static let damage: [(name: String, words: String, bytes: @Sendable ([UInt8]) -> [UInt8])] = [
        ("empty", "should have at least 8 bytes, but has 0", { _ in [] }),
        ("a header longer than the file", "the file is damaged or incomplete", { Array($0.prefix(100)) }),
        ("truncated", "the file is damaged or incomplete", { $0.dropLast(7) }),
        ("more than its tensors", "has 5 bytes that belong to no tensor", { $0 + [1, 2, 3, 4, 5] }),
        (
            "huge header", "claims a header of 18446744073709551615 bytes",
            { [UInt8](repeating: 0xff, count: 8) + $0.dropFirst(8) }
        ),
        ("no JSON", "has a header that is not the JSON", { _ in PublishedFixture.file(header: "{]", data: []) }),
        ("a list", "has a header that is not the JSON", { _ in PublishedFixture.file(header: "[1]", data: []) }),
        ("a zipped pickle", "is a PyTorch pickle", { _ in Array("PK\u{3}\u{4}archive/data.pkl".utf8) }),
        ("a pickle", "is a PyTorch pickle", { _ in [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20] }),
    ]

    @Test("a damaged file is refused with one plain sentence", arguments: damage.map(\.name))
    func container(_ name: String) throws {
        let test = try #require(Self.damage.first { $0.name == name })
        let fixture = PublishedFixture.eagle3()
        try expect(test.words, test.bytes(fixture.bytes))
    }

    static let headers = [
        ("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}", "has the tensor a at a place"),
        ("{\"a\": {\"dtype\": \"F32\", \"shape\": [-1, -2], \"data_offsets\": [0, 8]}}", "has the tensor a at a place"),
        (
            "{\"a\": {\"dtype\": \"F32\", \"shape\": [4611686018427387904, 4], \"data_offsets\": [0, 8]}}",
            "has the tensor a at a place"
        ),
        ("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 0]}}", "has the tensor a at a place"),
        ("{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0]}}", "has the tensor a at a place"),
        (
            """
            {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
            """, "has the tensor b at a place"
        ),
        (
            "{\"a\": {\"dtype\": \"U8\", \"shape\": [9223372036854775], \"data_offsets\": [0, 9223372036854775]}}",
            "should have at least"
        ),
        ("{\"a\": {\"dtype\": \"F32\", \"shape\": [1e400], \"data_offsets\": [0, 8]}}", "not the JSON"),
        (String(repeating: "[", count: 100_000), "not the JSON"),
    ]

    @Test("a header whose tensors cannot lie as it says is refused", arguments: headers.map(\.0))
    func header(_ text: String) throws {
        let words = try #require(Self.headers.first { $0.0 == text }).1
        try expect(words, PublishedFixture.file(header: text, data: [UInt8](repeating: 0, count: 8)))
    }

    private func expect(_ words: String, _ bytes: [UInt8]) throws {
        let error = #expect(throws: PublishedHeadError.self) {
            try PublishedFixture.eagle3().withFile(bytes) {
                try HeadFile.open(path: $0, for: PublishedFixture.target, tokenCount: 38)
            }
        }
        let sentence = "\(try #require(error))"
        #expect(sentence.contains(words), "\(sentence)")
        #expect(!sentence.contains("\n"))
    }

    @Test("damage anywhere is refused or gives a head that is whole, and never traps")
    func mutations() throws {
        let bytes = PublishedFixture.eagle3().bytes
        var (random, refused) = (SplitMix(seed: 78), 0)
        for round in 0..<300 {
            var copy = bytes
            for _ in 0..<1 + random.next(below: 4) {
                let place = random.next(below: round % 4 == 0 ? copy.count : 2000)
                copy[place] = round % 3 == 0 ? UInt8(ascii: "9") : UInt8(random.next(below: 256))
            }
            if round % 10 == 0 { copy.removeLast(random.next(below: copy.count)) }
            do {
                let head = try PublishedFixture.eagle3().withFile(copy) {
                    try HeadFile.open(path: $0, for: PublishedFixture.target, tokenCount: 38)
                }
                #expect(head.parameters.allSatisfy { $0.isFinite })
                #expect(head.parameters.count == head.network.layout.count)
            } catch is PublishedHeadError {
                refused += 1
            }
        }
        #expect(refused > 100)
    }

    // MARK: GGUF

    struct GGUFCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let words: String
        let change: @Sendable (inout GGUFWriter) -> Void

        init(_ description: String, _ words: String, _ change: @escaping @Sendable (inout GGUFWriter) -> Void) {
            (testDescription, self.words, self.change) = (description, words, change)
        }
    }

    static let ggufCases: [GGUFCase] = [
        GGUFCase("other width", "whose width is 64, but that of this target is 32") {
            $0.set("eagle3.embedding_length", .uint32(64))
        },
        GGUFCase("no heads", "eagle3.attention.head_count") { $0.rename("eagle3.attention.head_count", "other") },
        GGUFCase("tap beyond the target", "has [3, 5, 13] for the layers that it reads") {
            $0.set("eagle3.target_layers", .int32s([3, 5, 13]))
        },
        GGUFCase("norm that the flag promises", "lacks the tensor enc.output_norm.weight") {
            $0.set("eagle3.norm_before_fc", .bool(true))
        },
        GGUFCase("map of another type", "has the type I32 in the tensor d2t") { $0.claim("d2t", type: 26) },
        GGUFCase("scaled rotation", "has \"yarn\" for rope.scaling.type") {
            $0.set("eagle3.rope.scaling.type", .string("yarn"))
        },
        GGUFCase("a model with MTP layers", "multi-token prediction (nextn), which Paceline does not use yet") {
            $0.set("general.architecture", .string("qwen35"))
            $0.set("qwen35.nextn_predict_layers", .uint32(1))
        },
    ]

    @Test("llama.cpp's file that is not as it must be is refused", arguments: ggufCases)
    func gguf(_ test: GGUFCase) throws {
        let fixture = PublishedFixture.eagle3(type: "F32")
        var writer = LlamaEagle3(fixture).writer
        test.change(&writer)
        let error = #expect(throws: (any Error).self) {
            try fixture.withFile(writer.serialised(), name: "head.gguf") {
                try HeadFile.open(path: $0, for: PublishedFixture.target, tokenCount: 38)
            }
        }
        let sentence = "\(try #require(error))"
        #expect(sentence.contains(test.words), "\(sentence)")
    }
}
