import PacelineSpeculation
import PacelineTensor
import PacelineTraining

extension PublishedHead {
    /// The architecture of llama.cpp's EAGLE-3 files.
    static let architecture = "eagle3"

    /// Judges an EAGLE-3 head in llama.cpp's layout: its own names, queries and keys in llama's order, absolute d2t.
    ///
    /// - Throws: ``GGUFError`` for metadata of another kind, ``PublishedHeadError``.
    init(_ file: GGUFFile, for target: HeadTarget) throws {
        let keys = Keys(file: file)
        let (layer, layers) = (try keys.layer(target), try keys.tapLayers(target))
        do throws(PublishedHeadError.Reason) {
            try self.init(keys, layer, try Self.taps(layers, target), for: target)
        } catch {
            throw PublishedHeadError(path: file.path, reason: error)
        }
    }

    private init(
        _ keys: Keys,
        _ layer: DecoderLayer.Shape,
        _ taps: [FeatureTap],
        for target: HeadTarget
    ) throws(PublishedHeadError.Reason) {
        let tensors = PublishedTensors(.gguf(keys.file))
        var shape = Eagle3Shape(layer: layer, taps: taps.count)
        shape.layer.hasAttentionBias = tensors.contains("blk.0.attn_q.bias")
        if tensors.contains("enc.output_norm.weight") { shape.featureNorm = .whole }
        shape.normsResidual = keys.flag("norm_before_residual")
        if keys.flag("norm_before_fc"), shape.featureNorm == .none { throw .missingTensor("enc.output_norm.weight") }
        if tensors.contains("output.weight") {
            shape.outputTokens = try tensors.rows("output.weight", columns: target.width)
        }
        if tensors.contains("rope_freqs.weight") {
            let divisors = try tensors.numbers("rope_freqs.weight")
            guard divisors.count == layer.rotary.dimensions / 2, divisors.allSatisfy({ $0 > 0 }) else {
                throw .wrongShape(
                    tensor: "rope_freqs.weight",
                    found: [divisors.count],
                    expected: [layer.rotary.dimensions / 2]
                )
            }
            shape.layer.rotary = RotaryEmbedding(
                dimensions: layer.rotary.dimensions,
                pairing: .neighbours,
                theta: layer.rotary.theta,
                frequencyDivisors: divisors.map(Double.init)
            )
        }
        let network = HeadFile.Network.eagle3(shape)
        var names: [String: [String]] = [:]
        for part in shape.layout.tensors { names[part.name] = [network.tensorName(part.name)] }
        try self.init(
            network,
            taps: taps,
            draftTokens: try Self.draftTokens(.absolute, tensors, shape.outputTokens, target),
            tensors: tensors,
            names: names,
            ignoring: { ["token_embd.weight", "rope_freqs.weight"].contains($0) }
        )
    }

    /// A file's metadata.
    private struct Keys {
        let file: GGUFFile

        func flag(_ key: String) -> Bool {
            guard case .bool(true)? = file.metadata["\(architecture).\(key)"] else { return false }
            return true
        }

        private func count(_ key: String, _ range: ClosedRange<Int>, usual: Int? = nil) throws -> Int {
            let key = "\(architecture).\(key)"
            let stated = try file.intIfPresent(key) ?? usual
            guard let count = stated else { throw file.error(.missingKey(key, expected: "an integer")) }
            guard range.contains(count) else {
                let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
                throw error(.wrongValue(key: key, found: "\(count)", expected: expected))
            }
            return count
        }

        private func positive(_ key: String, usual: Float?) throws -> Double {
            let key = "\(architecture).\(key)"
            guard let number = try file.floatIfPresent(key) ?? usual else {
                throw file.error(.missingKey(key, expected: "a float"))
            }
            guard number.isFinite, number > 0 else {
                throw error(.wrongValue(key: key, found: "\(number)", expected: "a finite number above 0"))
            }
            return Double(number)
        }

        private func error(_ reason: PublishedHeadError.Reason) -> PublishedHeadError {
            PublishedHeadError(path: file.path, reason: reason)
        }

        /// Layers whose inputs are read.
        func tapLayers(_ target: HeadTarget) throws -> [Int] {
            let keys = ["target_layers", "extract_layers"].map { "\(architecture).\($0)" }
            for key in keys {
                if let layers = try file.integerArrayIfPresent(key) { return layers }
            }
            return [2, target.layers / 2, target.layers - 3]
        }

        func layer(_ target: HeadTarget) throws -> DecoderLayer.Shape {
            for key in ["embedding_length", "target_hidden_size"] {
                let width = try count(key, 1...1 << 16, usual: key == "embedding_length" ? nil : target.width)
                guard width == target.width else {
                    throw error(.otherTarget(what: "width", found: "\(width)", expected: "\(target.width)"))
                }
            }
            _ = try count("block_count", 1...1)
            if let scaling = try file.stringIfPresent("\(architecture).rope.scaling.type"), scaling != "none" {
                throw error(
                    .wrongValue(key: "rope.scaling.type", found: "\"\(scaling)\"", expected: "no scaling")
                )
            }
            let heads = try count("attention.head_count", 1...1024)
            let keyHeads = try count("attention.head_count_kv", 1...heads, usual: heads)
            guard heads.isMultiple(of: keyHeads) else {
                let expected = "a divisor of \(heads)"
                throw error(.wrongValue(key: "attention.head_count_kv", found: "\(keyHeads)", expected: expected))
            }
            let size = try count("attention.key_length", 2...1024, usual: target.width / heads)
            let turning = try count("rope.dimension_count", 2...size, usual: size)
            guard turning.isMultiple(of: 2) else {
                throw error(.wrongValue(key: "rope.dimension_count", found: "\(turning)", expected: "an even number"))
            }
            let rotary = RotaryEmbedding(
                dimensions: turning,
                pairing: .neighbours,
                theta: try positive("rope.freq_base", usual: 10_000)
            )
            return DecoderLayer.Shape(
                width: target.width,
                attention: CausalAttention(heads: heads, keyValueHeads: keyHeads, headDimension: size),
                hidden: try count("feed_forward_length", 1...1 << 20),
                rotary: rotary,
                normEpsilon: try positive("attention.layer_norm_rms_epsilon", usual: nil)
            )
        }
    }
}
