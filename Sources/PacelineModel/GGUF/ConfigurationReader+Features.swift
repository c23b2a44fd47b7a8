/// Refuses files with features that change every logit and that this transformer does not compute.
extension ConfigurationReader {
    /// A metadata key, its meaning, and the values that have no effect.
    private struct Feature {
        let key: String
        let meaning: String
        let neutral: [Double]

        init(_ key: String, _ meaning: String, neutral: Double...) {
            self.key = key
            self.meaning = meaning
            self.neutral = neutral
        }
    }

    private static let features = [
        Feature("attn_logit_softcapping", "a soft cap on logits", neutral: 0),
        Feature("final_logit_softcapping", "a soft cap on logits", neutral: 0),
        Feature("router_logit_softcapping", "a soft cap on logits", neutral: 0),
        Feature("expert_count", "a mixture of experts", neutral: 0),
        Feature("embedding_scale", "scaled embeddings", neutral: 0, 1),
        Feature("residual_scale", "scaled residuals", neutral: 0, 1),
        Feature("logit_scale", "scaled logits", neutral: 0, 1),
        Feature("attention.output_scale", "scaled attention", neutral: 0, 1),
        Feature("attention.causal", "attention to later tokens", neutral: 1),
        Feature("attention.clamp_kqv", "clamped queries, keys and values", neutral: 0),
        Feature("attention.max_alibi_bias", "ALiBi attention biases", neutral: 0),
        Feature("attention.shared_kv_layers", "blocks that share keys and values", neutral: 0),
        Feature("use_parallel_residual", "parallel residuals", neutral: 0),
        Feature("rope.scaling.alpha", "rope scaling by alpha", neutral: 0, 1),
        // llama.cpp writes -1 for "not set".
        Feature("rope.scaling.yarn_attn_factor", "its own YaRN attention factor", neutral: -1, 1),
    ]

    /// Throws for unsupported features that do not depend on the model's configuration.
    func refuseUnknownFeatures() throws(GGUFError) {
        for feature in Self.features { try refuse(feature) }
    }

    /// Throws for keys about attention or windowed blocks that contradict `configuration`.
    func refuseUnknownFeatures(of configuration: ModelConfiguration) throws(GGUFError) {
        let rope = configuration.rope
        let dimension = Double(configuration.headDimension)
        let scale = Double(configuration.attentionScale)
        var features = [
            Feature("attention.scale", "its own attention scale", neutral: 0, scale),
            Feature("attention.key_length_swa", "keys of another width in windowed blocks", neutral: dimension),
            Feature("attention.value_length_swa", "values of another width in windowed blocks", neutral: dimension),
            Feature("rope.dimension_count_swa", "another rotation in windowed blocks", neutral: Double(rope.dimension)),
            Feature("rope.scaling.yarn_ext_factor", "a mix of rope scalings", neutral: -1, rope.yarn == nil ? 0 : 1),
        ]
        if configuration.windowedRope == nil {
            features.append(
                Feature("rope.freq_base_swa", "another rotation in windowed blocks", neutral: Double(rope.base))
            )
        }
        for feature in features { try refuse(feature) }
    }

    private func refuse(_ feature: Feature) throws(GGUFError) {
        let key = key(feature.key)
        guard let value = try file.numberIfPresent(key) else { return }
        // Converters write numbers as float32.
        guard !feature.neutral.contains(where: { abs(value - $0) <= 1e-6 * abs($0) }) else { return }
        throw file.error(.unsupportedFeature(key: key, meaning: feature.meaning))
    }
}
