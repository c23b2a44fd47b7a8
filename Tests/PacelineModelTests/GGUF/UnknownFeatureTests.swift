import PacelineModel
import PacelineTestKit
import Testing

/// Metadata of unsupported features is refused in every family, with an error that names the key, unless its value has
/// no effect.
@Suite("Unknown features")
struct UnknownFeatureTests {
    private struct Feature {
        var key: String
        var refused: [GGUFWriter.Value]
        var neutral: [GGUFWriter.Value]

        init(_ key: String, refused: GGUFWriter.Value..., neutral: GGUFWriter.Value...) {
            (self.key, self.refused, self.neutral) = (key, refused, neutral)
        }
    }

    /// For heads of width 8.
    private static let features = [
        Feature("attn_logit_softcapping", refused: .float32(50), neutral: .float32(0)),
        Feature("final_logit_softcapping", refused: .float32(30), neutral: .float32(0)),
        Feature("router_logit_softcapping", refused: .float32(30), neutral: .float32(0)),
        Feature("expert_count", refused: .uint32(8), neutral: .uint32(0)),
        Feature("embedding_scale", refused: .float32(12), neutral: .float32(1), .float32(0)),
        Feature("residual_scale", refused: .float32(0.22), neutral: .float32(1), .float32(0)),
        Feature("logit_scale", refused: .float32(8), neutral: .float32(1), .float32(0)),
        Feature(
            "attention.scale",
            refused: .float32(0.015_625),
            .float32(1),
            neutral: .float32(0),
            .float32(1 / Float(8).squareRoot())
        ),
        Feature("attention.output_scale", refused: .float32(0.1), neutral: .float32(1)),
        Feature("attention.causal", refused: .bool(false), neutral: .bool(true)),
        Feature("attention.clamp_kqv", refused: .float32(8), neutral: .float32(0)),
        Feature("attention.max_alibi_bias", refused: .float32(8), neutral: .float32(0)),
        Feature("attention.shared_kv_layers", refused: .uint32(2), neutral: .uint32(0)),
        Feature("attention.key_length_swa", refused: .uint32(16), neutral: .uint32(8)),
        Feature("attention.value_length_swa", refused: .uint32(16), neutral: .uint32(8)),
        Feature("attention.value_length", refused: .uint32(16), neutral: .uint32(8)),
        Feature("use_parallel_residual", refused: .bool(true), neutral: .bool(false)),
        Feature("rope.dimension_count_swa", refused: .uint32(4), neutral: .uint32(8)),
        Feature("rope.scaling.alpha", refused: .float32(1000), neutral: .float32(0), .float32(1)),
        Feature("rope.scaling.yarn_ext_factor", refused: .float32(1), neutral: .float32(0), .float32(-1)),
        Feature("rope.scaling.yarn_attn_factor", refused: .float32(0.5), neutral: .float32(1)),
        // A list with a number per block, where a single number is expected.
        Feature("attention.head_count_kv", refused: .int32s([2, 1]), neutral: .uint32(2)),
        Feature("feed_forward_length", refused: .int32s([64, 32]), neutral: .uint32(64)),
    ]

    @Test("Each feature is refused with its key", arguments: RopeScalingTests.families)
    func refused(family: String) throws {
        for feature in Self.features {
            var draft = ConfigurationDraft()
            draft.architecture = family
            draft.numbers.removeAll { $0.0 == feature.key }
            for value in feature.neutral {
                draft.values = [(feature.key, value)]
                #expect(draft.refusals == [], "\(feature.key) \(value)")
            }
            for value in feature.refused {
                draft.values = [(feature.key, value)]
                let named = draft.refusals.first.map {
                    $0.contains("\(family).\(feature.key)") || $0.contains("values of width 16")
                }
                #expect(named == true, "\(feature.key) \(value): \(draft.refusals)")
            }
            draft.values = [(feature.key, .string("x"))]
            #expect(draft.refusals.first?.contains("\(family).\(feature.key)") == true)
        }
    }

    @Test("The error names the feature and its key")
    func sentence() {
        var draft = ConfigurationDraft()
        draft.architecture = "gemma3"
        draft.floats.append(("final_logit_softcapping", 30))
        let sentence =
            "m.gguf has a soft cap on logits (metadata key gemma3.final_logit_softcapping), which is not supported"
        #expect(draft.refusal() == sentence + "; use another model")
    }

    @Test("Only the family with windowed rotations uses their base; the others refuse it")
    func windowedBase() throws {
        for family in RopeScalingTests.families {
            var draft = ConfigurationDraft()
            draft.architecture = family
            draft.floats.append(("rope.freq_base_swa", 20_000))
            guard family == "gemma3" else {
                #expect(draft.refusal()?.contains("\(family).rope.freq_base_swa") == true)
                draft.floats[draft.floats.count - 1].1 = 10_000
                #expect(draft.refusals == [])
                continue
            }
            #expect(try draft.configuration().windowedRope?.base == 20_000)
        }
    }
}
