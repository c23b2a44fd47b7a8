import PacelineSpeculation
import PacelineTraining

extension PublishedHead {
    /// Judges a safetensors file: EAGLE-1 of its authors, EAGLE-3 of its authors, SpecForge or speculators, or Medusa.
    ///
    /// - Parameter configuration: reads the `config.json` beside it, which Medusa's heads can do without.
    init(
        _ file: SafetensorsFile,
        _ configuration: () throws(PublishedHeadError.Reason) -> PublishedConfiguration,
        for target: HeadTarget
    ) throws(PublishedHeadError.Reason) {
        let tensors = PublishedTensors(.safetensors(file))
        if let layer = ["midlayer.", "layers.0."].first(where: { tensors.contains("\($0)hidden_norm.weight") }) {
            try self.init(eagle3: tensors, layer, try configuration(), for: target)
        } else if tensors.contains("hidden_norm.weight") {
            throw .unsupported("is a DFlash or DSpark head, which Paceline does not run yet")
        } else if tensors.contains("fc.weight"), tensors.contains("layers.0.self_attn.q_proj.weight") {
            try self.init(eagle: tensors, try configuration(), for: target)
        } else if ["", "medusa_head."].contains(where: { tensors.contains("\($0)0.0.linear.weight") }) {
            try self.init(medusa: tensors, for: target)
        } else {
            throw .unsupported("has the tensors of no head that Paceline knows (EAGLE, EAGLE-3, Medusa)")
        }
    }

    // MARK: EAGLE

    /// EAGLE-1's layer norms nothing before its attention; its output is a feature of the target.
    private init(
        eagle tensors: PublishedTensors,
        _ configuration: PublishedConfiguration,
        for target: HeadTarget
    ) throws(PublishedHeadError.Reason) {
        let prefix = "layers.0."
        try configuration.checkVocabulary(of: target)
        let layer = try configuration.decoderLayer(
            width: target.width,
            hasBias: tensors.contains("\(prefix)self_attn.q_proj.bias")
        )
        var shape = EagleHead<Float>.Shape(layer: layer)
        shape.hasFusionBias = tensors.contains("fc.bias")
        (shape.normsEmbedding, shape.normsFeature, shape.normsOutput) = (false, false, false)
        shape.normsLayerInput = tensors.contains("\(prefix)input_layernorm.weight")
        var names = Self.layerNames(prefix)
        names["attn_norm.weight"] = ["\(prefix)input_layernorm.weight"]
        try self.init(
            .eagle(shape),
            taps: [.normedOutput],
            draftTokens: .all,
            tensors: tensors,
            names: names,
            ignoring: Self.isRepeated
        )
    }

    // MARK: EAGLE-3

    private init(
        eagle3 tensors: PublishedTensors,
        _ prefix: String,
        _ configuration: PublishedConfiguration,
        for target: HeadTarget
    ) throws(PublishedHeadError.Reason) {
        let width = target.width
        try configuration.checkVocabulary(of: target)
        if let other = configuration.targetWidth, other != width {
            throw .otherTarget(what: "width", found: "\(other)", expected: "\(width)")
        }
        let hasBias = tensors.contains("\(prefix)self_attn.q_proj.bias")
        let layer = try configuration.decoderLayer(width: width, hasBias: hasBias)
        let taps = try Self.taps(configuration.tapLayers(layers: target.layers), target)
        var shape = Eagle3Shape(layer: layer, taps: taps.count)
        let normsTaps = tensors.contains("fc_norm.0.weight") || configuration.normsTaps == true
        let normsWhole = tensors.contains("input_norm.weight") || configuration.normsFusion
        shape.featureNorm = normsTaps ? .each : normsWhole ? .whole : .none
        (shape.normsResidual, shape.feedsNormed) = (configuration.normsResidual, configuration.feedsNormed)
        if tensors.contains("lm_head.weight") {
            shape.outputTokens = try tensors.rows("lm_head.weight", columns: width)
        }
        var names = Self.layerNames(prefix)
        names["attn_norm.weight"] = ["\(prefix)input_layernorm.weight"]
        names["attn_norm_2.weight"] = ["\(prefix)hidden_norm.weight"]
        names["output_norm.weight"] = ["norm.weight"]
        names["output.weight"] = ["lm_head.weight"]
        names["enc.output_norm.weight"] =
            normsTaps ? taps.indices.map { "fc_norm.\($0).weight" } : ["input_norm.weight"]
        try self.init(
            .eagle3(shape),
            taps: taps,
            draftTokens: try Self.draftTokens(.offsets, tensors, shape.outputTokens, target),
            tensors: tensors,
            names: names,
            ignoring: Self.isRepeated
        )
    }

    /// The taps before some layers; the number of all layers stands for the last one's output.
    static func taps(_ layers: [Int], _ target: HeadTarget) throws(PublishedHeadError.Reason) -> [FeatureTap] {
        let taps = layers.compactMap { layer in
            layer <= target.layers ? FeatureTap(number: layer, layers: target.layers) : nil
        }
        guard taps.count == layers.count, (1...FeatureDemand.tapLimit).contains(taps.count) else {
            throw .wrongValue(
                key: "the layers that it reads",
                found: "\(layers)",
                expected: "1 to \(FeatureDemand.tapLimit) numbers from 0 to \(target.layers)"
            )
        }
        return taps
    }

    /// Whether d2t says which tokens the rows of the output matrix are for, and that it does where they are fewer.
    static func draftTokens(
        _ kind: DraftTokens,
        _ tensors: PublishedTensors,
        _ rows: Int?,
        _ target: HeadTarget
    ) throws(PublishedHeadError.Reason) -> DraftTokens {
        guard let shape = tensors.shape("d2t") else {
            guard rows ?? target.vocabularySize == target.vocabularySize else { throw .missingTensor("d2t") }
            return .all
        }
        let count = rows ?? (shape.first ?? 0)
        guard shape == [count], count > 0 else {
            throw .wrongShape(tensor: "d2t", found: shape, expected: [max(1, count)])
        }
        return kind
    }

    // MARK: Medusa

    private init(
        medusa tensors: PublishedTensors,
        for target: HeadTarget
    ) throws(PublishedHeadError.Reason) {
        let prefix = tensors.contains("0.0.linear.weight") ? "" : "medusa_head."
        // Counted: the published configuration states other numbers than its file has.
        let heads = Self.count { tensors.contains("\(prefix)\($0).0.linear.weight") }
        let blocks = Self.count { tensors.contains("\(prefix)0.\($0).linear.weight") }
        guard heads <= 32, blocks <= 32 else { throw .unsupported("has \(heads) heads of \(blocks) blocks, over 32") }
        if tensors.contains("\(prefix)0.\(blocks).weight") {
            throw .unsupported(
                "is a Medusa head with an output matrix for each of its heads, while Paceline's share the target's"
            )
        }
        let shape = MedusaHeads<Float>.Shape(width: target.width, heads: heads, blocks: blocks, readsTokens: false)
        var names: [String: [String]] = [:]
        for part in shape.layout.tensors { names[part.name] = [prefix + part.name] }
        try self.init(
            .medusa(shape),
            taps: [.normedOutput],
            draftTokens: .all,
            tensors: tensors,
            names: names,
            ignoring: Self.isRepeated
        )
    }

    private static func count(_ exists: (Int) -> Bool) -> Int {
        var count = 0
        while exists(count) { count += 1 }
        return count
    }

    // MARK: Names

    /// Hugging Face's names of a llama layer's tensors, by ours.
    private static func layerNames(_ prefix: String) -> [String: [String]] {
        var names = ["ffn_norm.weight": ["\(prefix)post_attention_layernorm.weight"]]
        for part in ["q", "k", "v"] {
            for kind in ["weight", "bias"] {
                names["attn_\(part).\(kind)"] = ["\(prefix)self_attn.\(part)_proj.\(kind)"]
            }
        }
        names["attn_output.weight"] = ["\(prefix)self_attn.o_proj.weight"]
        for part in ["gate", "up", "down"] { names["ffn_\(part).weight"] = ["\(prefix)mlp.\(part)_proj.weight"] }
        return names
    }

    /// Whether a tensor says nothing new: the target's embeddings, the inverse of d2t, and rotation angles.
    private static func isRepeated(_ name: String) -> Bool {
        ["embed_tokens.weight", "t2d"].contains(name) || name.hasSuffix("rotary_emb.inv_freq")
    }
}

extension PublishedConfiguration {
    /// Checks that the head was trained for a vocabulary of the target's size.
    fileprivate func checkVocabulary(of target: HeadTarget) throws(PublishedHeadError.Reason) {
        guard let size = layer.vocabSize, size != target.vocabularySize, size != draftVocabularySize else { return }
        throw .otherTarget(what: "vocabulary's size", found: "\(size)", expected: "\(target.vocabularySize)")
    }
}
