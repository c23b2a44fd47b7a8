import PacelineModel
import PacelineTestKit
import Testing

/// Rope scaling in current and older metadata, with llama.cpp's meaning.
@Suite("Rope scaling")
struct RopeScalingTests {
    private static func draft(
        _ type: String?,
        _ floats: [(String, Float)],
        family: String = "llama"
    ) -> ConfigurationDraft {
        var draft = ConfigurationDraft()
        draft.architecture = family
        draft.floats += floats
        if let type { draft.strings = [("rope.scaling.type", type)] }
        return draft
    }

    @Test("A factor means linear scaling unless the type says otherwise, in every family", arguments: families)
    func linear(family: String) throws {
        let cases: [(type: String?, floats: [(String, Float)], scale: Float)] = [
            (nil, [], 1),
            (nil, [("rope.scaling.factor", 4)], 4),
            (nil, [("rope.scale_linear", 4)], 4),
            (nil, [("rope.scaling.factor", 2), ("rope.scale_linear", 4)], 2),
            (nil, [("rope.scaling.factor", 0)], 1),
            (nil, [("rope.scale_linear", 0)], 1),
            (nil, [("rope.scaling.factor", 0), ("rope.scale_linear", 4)], 1),
            (nil, [("rope.scaling.factor", 0.5)], 0.5),
            ("linear", [], 1),
            ("linear", [("rope.scaling.factor", 4)], 4),
            ("linear", [("rope.scaling.factor", 0)], 1),
            ("linear", [("rope.scale_linear", 4)], 4),
            ("none", [], 1),
            ("none", [("rope.scaling.factor", 4)], 1),
            ("none", [("rope.scale_linear", 4)], 1),
            ("longrope", [], 1),
            ("longrope", [("rope.scaling.factor", 4)], 4),
        ]
        for (type, floats, scale) in cases {
            var draft = Self.draft(type, floats, family: family)
            #expect(try draft.configuration().rope.scale == scale, "\(type ?? "no type"), \(floats)")
            // Further training with the scaling makes no difference.
            draft.values = [("rope.scaling.finetuned", .bool(true))]
            #expect(try draft.configuration().rope.scale == scale)
            #expect(try draft.configuration().windowedRope?.scale ?? 1 == 1)
        }
    }

    static let families = ["llama", "mistral3", "qwen2", "qwen3", "phi3", "gemma3"]

    @Test("An invalid factor is refused, and so is YaRN without one; the errors name the key")
    func refused() {
        for key in ["rope.scaling.factor", "rope.scale_linear"] {
            for value: Float in [-4, .nan, .infinity, -.infinity] {
                let expected = "for the metadata key llama.\(key), but a positive number"
                #expect(Self.draft(nil, [(key, value)]).refusal()?.contains(expected) == true)
            }
            var draft = Self.draft(nil, [])
            draft.strings = [(key, "4")]
            #expect(draft.refusal()?.contains("a string for the metadata key llama.\(key), but a float") == true)
        }
        for floats in [[], [("rope.scale_linear", 4 as Float)], [("rope.scaling.factor", 0)]] {
            #expect(Self.draft("yarn", floats).refusal()?.contains("llama.rope.scaling.factor") == true)
        }
        for type in ["", "dynamic", "Linear"] {
            #expect(Self.draft(type, []).refusal()?.contains("has the rope scaling \"\(type)\"") == true)
        }
    }

    @Test("The scaling type determines the frequency divisors")
    func factors() throws {
        #expect(try Self.draft(nil, []).configuration().rope.factors == .frequencies)
        #expect(try Self.draft("none", []).configuration().rope.factors == .frequencies)
        #expect(try Self.draft("longrope", []).configuration().rope.factors == .short)
        var long = Self.draft("longrope", [])
        long.set("rope.scaling.original_context_length", 32)
        #expect(try long.configuration().rope.factors == .long)
        var yarn = Self.draft("yarn", [("rope.scaling.factor", 4)])
        yarn.set("rope.scaling.original_context_length", 32)
        #expect(try yarn.configuration().rope.factors == .none)
        #expect(try Self.draft("longrope", [], family: "qwen2").configuration().rope.factors == .none)
    }
}
