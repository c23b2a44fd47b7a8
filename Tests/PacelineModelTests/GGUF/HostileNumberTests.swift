import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineModel

/// Sets each number of a file in turn to zero, a negative, its type's maximum or another type. The file must load and
/// compute, or be refused with a one-line error; the process must not crash.
@Suite("Hostile numbers in a file")
struct HostileNumberTests {
    private static let integers: [GGUFWriter.Value] = [
        .uint32(0), .uint32(1), .uint32(3), .uint32(1 << 14), .uint32(1 << 30), .uint32(.max), .uint64(.max),
        .uint64(1 << 62), .int32(-1), .int64(.min), .int64(.max),
    ]
    private static let others: [GGUFWriter.Value] = [
        .float32(0), .float32(-1), .float32(.nan), .float32(.infinity), .float32(3e38),
        .float32(.leastNonzeroMagnitude),
        .float64(1e308), .float64(1e-300), .bool(true), .string(""), .string("x"), .strings([]), .strings([""]),
        .int32s([]), .int32s([-1]), .float32s([.nan]),
        .raw(
            type: 9,
            bytes: [10, 0, 0, 0, 1] + Array(repeating: 0, count: 7)
                + Array(repeating: 255, count: 8)
        ),
    ]

    private static func model(_ family: TinyModel.Family, _ change: (inout TinyModel) -> Void = { _ in }) -> TinyModel {
        var model = TinyModel.with(weights: .f16)
        model.family = family
        model.blockCount = 1
        model.embeddingLength = 16
        model.feedForwardLength = 8
        model.headDimension = 6
        change(&model)
        return model
    }

    /// A model of each family, and the keys to try in addition to those in its file.
    private static let families: [(model: TinyModel, keys: [String])] = [
        (
            model(.llama),
            [
                "expert_count", "attn_logit_softcapping", "attention.sliding_window", "rope.dimension_count",
                "rope.scaling.type", "rope.scaling.factor", "rope.scale_linear", "rope.scaling.attn_factor",
                "attention.temperature_scale",
            ]
        ),
        (model(.gemma3) { $0.slidingWindow = 3 }, ["attention.sliding_window_pattern", "rope.freq_base_swa"]),
        (
            model(.mistral3) { model in
                model.rope.linearFactor = 4
                model.rope.yarnFastTurns = 4
                model.rope.originalContextLength = 64
                model.temperature = (scale: 0.6, length: 9)
            },
            ["rope.scaling.yarn_beta_slow", "rope.scaling.yarn_log_multiplier"]
        ),
        (
            model(.phi3) {
                $0.rope.factors = ["rope_factors_long.weight": [1, 2, 3], "rope_factors_short.weight": [1, 1, 2]]
            },
            []
        ),
    ]

    private static let tokenizerKeys = [
        "bos_token_id", "eot_token_id", "unknown_token_id", "scores", "add_space_prefix",
    ]

    /// The error from loading, predicting memory or computing; nil if all of them work.
    private static func refusal(_ bytes: [UInt8]) -> (any Error)? {
        do {
            let model = try ModelFile(GGUFFile(bytes: bytes, name: "hostile.gguf"))
            let (configuration, tokenizer) = (model.configuration, model.tokenizer)
            _ = try ChatRenderer(model.file, tokenizer: tokenizer)
            for context in [1, configuration.contextLength] {
                let demand = MemoryDemand(
                    model,
                    slots: context * 256,
                    contextLength: context,
                    sequences: 256,
                    cacheType: .f16
                )
                #expect(demand.total > 0)
            }
            let compute = try Compute(threads: 1)
            let weights = try TransformerWeights(
                model.tensors,
                configuration: configuration,
                compute: compute,
                columns: LogitColumns(tokenizer)
            )
            let transformer = Transformer(configuration: configuration, weights: weights, compute: compute)
            let tokens = tokenizer.encode("the end", addBOS: true).prefix(2)
            _ = try Scorer(transformer: transformer).score(Array(tokens), count: 3)
            return nil
        } catch {
            return error
        }
    }

    private static func expectSentence(_ error: (any Error)?, _ what: String) {
        guard let error else { return }
        let isKnown =
            error is GGUFError || error is TokenizerError || error is LogitError || error is ScoringError
            || error is KVCacheError
        #expect(isKnown && !"\(error)".contains("\n"), "\(what): \(error)")
    }

    @Test("Every metadata number, at its limits and as another type", arguments: 0..<4)
    func metadata(family: Int) {
        let (model, more) = Self.families[family]
        let (writer, prefix) = (model.writer(), model.family.rawValue)
        let own = writer.keys.filter { $0.hasPrefix(prefix) }
        let tokenizer =
            writer.keys.filter { $0.hasPrefix("tokenizer") } + Self.tokenizerKeys.map { "tokenizer.ggml." + $0 }
        // Keys that all families read the same way are tried with one family.
        let keys = own + more.map { "\(prefix).\($0)" } + (family == 0 ? tokenizer + ["general.alignment"] : [])
        var loaded = 0
        #expect(Self.refusal(writer.serialised()) == nil)
        for key in keys {
            for value in Self.integers + Self.others {
                var changed = writer
                changed.set(key, value)
                let refusal = Self.refusal(changed.serialised())
                Self.expectSentence(refusal, "\(key) = \(value)")
                loaded += refusal == nil ? 1 : 0
            }
        }
        // Files load if a key is not read or a value is valid.
        #expect(loaded > 0 && loaded < keys.count * 12, "\(loaded) of \(keys.count) keys")
    }

    @Test("Every tensor's dimensions, type and offset")
    func tensors() {
        let writer = Self.model(.llama).writer()
        for name in writer.tensorNames {
            var variants: [GGUFWriter] = []
            func add(dimensions: [UInt64]? = nil, type: UInt32? = nil, offset: UInt64? = nil) {
                var changed = writer
                changed.claim(name, dimensions: dimensions, type: type, offset: offset)
                variants.append(changed)
            }
            for size in [0, 1, 3, 1 << 31, 1 << 62, (1 << 63) - 1, .max] as [UInt64] {
                for dimensions in [[size], [size, 1], [1, size], [16, size], [size, size]] {
                    add(dimensions: dimensions)
                }
            }
            for type in [0, 1, 2, 4, 9, 12, 15, 23, 24, 30, 39, .max] as [UInt32] {
                add(type: type)
                // The size of an unknown type cannot be checked.
                for dimensions in [[1 << 62], [1 << 31, 1 << 31]] as [[UInt64]] {
                    add(dimensions: dimensions, type: type)
                }
            }
            for offset in [1, 1 << 40, 1 << 63, .max - 31] as [UInt64] { add(offset: offset) }
            for variant in variants { Self.expectSentence(Self.refusal(variant.serialised()), name) }
        }
        // Extra tensors that the model does not use.
        for type in [2, 24, 39, .max] as [UInt32] {
            var changed = writer
            changed.addTensor("stranger", dimensions: [1 << 62], type: type, bytes: [])
            changed.addTensor("stranger2", dimensions: [1 << 62], type: type, bytes: [])
            Self.expectSentence(Self.refusal(changed.serialised()), "stranger of type \(type)")
        }
    }
}
