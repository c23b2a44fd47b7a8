import PacelineModel
import PacelineTestKit
import Testing

@Suite("Model configurations")
struct ModelConfigurationTests {
    @Test("a configuration has the numbers in the file and the widths derived from them")
    func plain() throws {
        let configuration = try ConfigurationDraft().configuration()
        #expect(configuration.architecture.name == "llama")
        #expect(configuration.headDimension == 8)
        #expect((configuration.queryLength, configuration.keyValueLength, configuration.queriesPerKey) == (32, 16, 2))
        #expect(configuration.vocabularySize == 5)
        #expect(configuration.rope.style == .interleaved)
        #expect((configuration.rope.base, configuration.rope.dimension, configuration.rope.scale) == (10000, 8, 1))
        #expect(configuration.rope.factors == .frequencies && configuration.rope.magnitude == 1)
    }

    @Test("optional keys take effect")
    func optional() throws {
        var draft = ConfigurationDraft()
        draft.set("attention.key_length", 16)
        draft.set("rope.dimension_count", 12)
        draft.floats += [("rope.freq_base", 500_000), ("rope.scaling.factor", 4)]
        draft.strings = [("rope.scaling.type", "linear")]
        let configuration = try draft.configuration()
        #expect(configuration.headDimension == 16)
        #expect((configuration.rope.base, configuration.rope.dimension, configuration.rope.scale) == (500_000, 12, 4))
    }

    @Test("qwen2 pairs halves and has no frequency divisors")
    func qwen2() throws {
        var draft = ConfigurationDraft()
        draft.architecture = "qwen2"
        let rope = try draft.configuration().rope
        #expect(rope.style == .halves && rope.factors == .none)
    }

    @Test("a window applies to the blocks of the family's rule, and to none if the file states none")
    func windows() throws {
        var draft = ConfigurationDraft()
        draft.set("block_count", 13)
        #expect(try draft.configuration().windows == Array(repeating: nil, count: 13))
        draft.set("attention.sliding_window", 7)
        #expect(try draft.configuration().windows == Array(repeating: 7, count: 13))
        draft.architecture = "gemma3"
        let global = try draft.configuration().windows.indices.filter { try draft.configuration().windows[$0] == nil }
        #expect(global == [5, 11])
        draft.set("attention.sliding_window_pattern", 4)
        #expect(
            try draft.configuration().windows.indices.filter { try draft.configuration().windows[$0] == nil } == [
                3, 7, 11,
            ]
        )
        draft.set("attention.sliding_window", 0)
        #expect(try draft.configuration().windows == Array(repeating: nil, count: 13))
        for family in ["qwen2", "qwen3"] {
            draft.architecture = family
            draft.set("attention.sliding_window", 7)
            #expect(try draft.configuration().windows == Array(repeating: nil, count: 13))
        }
    }

    @Test(
        "gemma3 scales embeddings by √width, and queries by the head's width or, in its largest model, width / heads"
    )
    func gemma3() throws {
        var draft = ConfigurationDraft()
        draft.architecture = "gemma3"
        draft.set("attention.key_length", 16)
        draft.set("attention.value_length", 16)
        draft.floats += [("rope.freq_base", 1_000_000), ("rope.scaling.factor", 8)]
        draft.strings = [("rope.scaling.type", "linear")]
        let configuration = try draft.configuration()
        #expect(configuration.embeddingScale == Float(32).squareRoot() && configuration.attentionScale == 0.25)
        #expect((configuration.rope.base, configuration.rope.scale) == (1_000_000, 8))
        let windowed = try #require(configuration.windowedRope)
        #expect((windowed.base, windowed.scale, windowed.dimension) == (10_000, 1, 16))
        draft.set("block_count", 62)
        #expect(try draft.configuration().attentionScale == 1 / Float(8).squareRoot())
        draft.floats.append(("rope.freq_base_swa", 5_000))
        #expect(try draft.configuration().windowedRope?.base == 5_000)
    }

    @Test("phi3 uses the long factors if its context is longer than its original one")
    func phi3() throws {
        var draft = ConfigurationDraft()
        draft.architecture = "phi3"
        #expect(try draft.configuration().rope.factors == .short)
        draft.set("rope.scaling.original_context_length", 16)
        draft.floats.append(("rope.scaling.attn_factor", 1.25))
        let rope = try draft.configuration().rope
        #expect((rope.factors, rope.magnitude) == (.long, 1.25))
        draft.set("rope.scaling.original_context_length", 64)
        #expect(try draft.configuration().rope.factors == .short)
        #expect(try draft.configuration().architecture.hasFusedProjections)
    }

    @Test("YaRN's magnitude is 1 + ln(factor) / 10, less the share that the model's weights already apply")
    func yarn() throws {
        var draft = ConfigurationDraft()
        draft.architecture = "mistral3"
        draft.strings = [("rope.scaling.type", "yarn")]
        draft.floats.append(("rope.scaling.factor", 16))
        #expect(draft.refusal()?.contains("mistral3.rope.scaling.original_context_length") == true)
        draft.set("rope.scaling.original_context_length", 32)
        var rope = try draft.configuration().rope
        #expect((rope.yarn?.factor, rope.yarn?.fastTurns, rope.yarn?.slowTurns, rope.scale) == (16, 32, 1, 1))
        #expect(abs(rope.magnitude - 1.277_259) < 1e-6)
        draft.floats.append(("rope.scaling.yarn_log_multiplier", 1))
        rope = try draft.configuration().rope
        #expect(rope.magnitude == 1)
        #expect(try draft.configuration().temperature == nil)
        draft.floats.append(("attention.temperature_scale", 0.1))
        let temperature = try #require(try draft.configuration().temperature)
        #expect(temperature.length == 32 && temperature.factor(position: 31) == 1)
        #expect(abs(temperature.factor(position: 64) - 1.109_861) < 1e-6)
    }

    @Test("the error for an unknown architecture names it and the known ones")
    func unknownArchitecture() {
        var draft = ConfigurationDraft()
        draft.architecture = "mamba"
        let families = "llama, mistral3, qwen2, qwen3, phi3, gemma3"
        #expect(draft.refusal() == "m.gguf has the architecture \"mamba\"; supported are \(families)")
    }

    @Test("contradicting numbers are refused")
    func contradictions() {
        let cases: [(key: String, value: UInt32, sentence: String)] = [
            ("attention.head_count_kv", 3, "not a multiple of its 3 key heads"),
            ("attention.head_count", 6, "not a multiple of its 6 heads"),
            ("attention.head_count", 0, "a number from 1 to 16384"),
            ("attention.key_length", 7, "heads of the odd width 7"),
            ("attention.value_length", 16, "values of width 16"),
            ("block_count", 1_000_000, "llama.block_count, but a number from 1 to 1024"),
            ("rope.dimension_count", 10, "rotates 10 dimensions of heads of width 8"),
            ("vocab_size", 6, "embeddings for 5 tokens but a vocabulary of 6"),
            ("embedding_length", 64, "[32, 5] for the tensor token_embd.weight, but [64, 5]"),
        ]
        for (key, value, sentence) in cases {
            var draft = ConfigurationDraft()
            draft.set(key, value)
            #expect(draft.refusal()?.contains(sentence) == true, "\(key) = \(value): \(draft.refusal() ?? "accepted")")
        }
    }

    @Test("invalid constants and unknown scalings are refused")
    func constants() {
        for value: Float in [0, -1, .nan, .infinity] {
            var draft = ConfigurationDraft()
            draft.floats = [("attention.layer_norm_rms_epsilon", value)]
            #expect(draft.refusal()?.contains("a positive number") == true)
        }
        var draft = ConfigurationDraft()
        draft.strings = [("rope.scaling.type", "dynamic")]
        #expect(
            draft.refusal() == "m.gguf has the rope scaling \"dynamic\"; supported are none, linear, longrope, yarn"
        )
        draft.strings = []
        draft.numbers.removeAll { $0.0 == "context_length" }
        #expect(draft.refusal()?.contains("lacks the metadata key llama.context_length (an integer)") == true)
    }
}
