import PacelineSpeculation

extension TinyModel {
    /// A tensor of the file.
    package struct Tensor: Sendable {
        package let name: String
        /// In the order of the file: a matrix is [columns, rows].
        package let dimensions: [Int]
        let content: Content

        enum Content: Sendable {
            case weights([Float], WeightFormat)
            case blocks([UInt8], BlockFormat)
        }

        /// The number of the weight type in the file.
        package var type: UInt32 {
            switch content {
            case .weights(_, let format): format.rawValue
            case .blocks(_, let format): format.rawValue
            }
        }

        /// The weights as stored in the file.
        package var bytes: [UInt8] {
            switch content {
            case .weights(let values, let format): format.encode(values)
            case .blocks(let bytes, _): bytes
            }
        }

        /// The weights, decoded from the bytes.
        package var values: [Float] {
            switch content {
            case .weights(let values, let format): format.decode(format.encode(values))
            case .blocks(let bytes, let format): format.decode(bytes)
            }
        }
    }

    /// The model's tensors in the order of the file.
    package func tensors() -> [Tensor] {
        let vocabulary = TinyVocabulary.shared
        let size = vocabulary.tokens.count + padding.rows
        let embedding = matrix(
            "token_embd.weight",
            rows: size,
            columns: embeddingLength,
            deviation: 1,
            loud: padding.rows
        )
        var tensors = [embedding]
        tensors += rope.factors.sorted { $0.key < $1.key }
            .map { Tensor(name: $0.key, dimensions: [$0.value.count], content: .weights($0.value, .f32)) }
        for block in 0..<blockCount { tensors += blockTensors("blk.\(block).") }
        // If the embedding table is also the output head, a last norm of mixed signs keeps tokens from predicting
        // themselves.
        let (mean, deviation): (Float, Float) = hasTiedEmbeddings ? (0, 0.4) : (1, 0.1)
        tensors.append(vector("output_norm.weight", count: embeddingLength, mean: mean, deviation: deviation))
        tensors += extraVectors.sorted { $0.key < $1.key }
            .map { vector($0.key, count: $0.value, mean: 0, deviation: 0.3) }
        guard !hasTiedEmbeddings else { return tensors }
        // The control tokens get zero weights, because a random model would end its texts at random.
        let silent = vocabulary.controlTokens.count
        let output = matrix(
            "output.weight",
            rows: size,
            columns: embeddingLength,
            deviation: 0.4,
            silent: silent,
            loud: padding.rows
        )
        return tensors + [output]
    }

    private func blockTensors(_ prefix: String) -> [Tensor] {
        attentionTensors(prefix) + feedForwardTensors(prefix)
    }

    private func attentionTensors(_ prefix: String) -> [Tensor] {
        let head = headDimension ?? embeddingLength / headCount
        let (queries, keys) = (head * headCount, head * keyValueHeadCount)
        let fan = 1 / Float(embeddingLength).squareRoot()
        let projection = { (name: String, rows: Int) in
            matrix(prefix + name + ".weight", rows: rows, columns: embeddingLength, deviation: fan)
        }
        var tensors = [norm(prefix + "attn_norm")]
        if family == .phi3 {
            tensors.append(projection("attn_qkv", queries + 2 * keys))
        } else {
            tensors += [projection("attn_q", queries), projection("attn_k", keys), projection("attn_v", keys)]
        }
        let wide = 1.5 / Float(queries).squareRoot()
        tensors.append(
            matrix(prefix + "attn_output.weight", rows: embeddingLength, columns: queries, deviation: wide)
        )
        if family == .qwen2 {
            for (name, count) in [("q", queries), ("k", keys), ("v", keys)] {
                tensors.append(vector(prefix + "attn_\(name).bias", count: count, mean: 0, deviation: 0.2))
            }
        }
        if family == .qwen3 || family == .gemma3 {
            for name in ["q", "k"] {
                tensors.append(vector(prefix + "attn_\(name)_norm.weight", count: head, mean: 1.5, deviation: 0.4))
            }
        }
        if family == .gemma3 { tensors.append(norm(prefix + "post_attention_norm", mean: 2)) }
        return tensors
    }

    private func feedForwardTensors(_ prefix: String) -> [Tensor] {
        let fan = 1 / Float(embeddingLength).squareRoot()
        let projection = { (name: String, rows: Int) in
            matrix(prefix + name + ".weight", rows: rows, columns: embeddingLength, deviation: fan)
        }
        var tensors = [norm(prefix + "ffn_norm")]
        if family == .phi3 {
            tensors.append(projection("ffn_up", 2 * feedForwardLength))
        } else {
            tensors += [projection("ffn_gate", feedForwardLength), projection("ffn_up", feedForwardLength)]
        }
        let wide = 0.75 / Float(feedForwardLength).squareRoot()
        tensors.append(
            matrix(prefix + "ffn_down.weight", rows: embeddingLength, columns: feedForwardLength, deviation: wide)
        )
        if family == .gemma3 { tensors.append(norm(prefix + "post_ffw_norm", mean: 2)) }
        return tensors
    }

    private func norm(_ name: String, mean: Float = 1) -> Tensor {
        vector(name + ".weight", count: embeddingLength, mean: mean, deviation: 0.1 * mean)
    }

    /// - Parameters:
    ///   - silent: the number of zero rows before the loud ones.
    ///   - loud: the number of rows at the end with eight times the deviation.
    private func matrix(
        _ name: String,
        rows: Int,
        columns: Int,
        deviation: Float,
        silent: Int = 0,
        loud: Int = 0
    ) -> Tensor {
        if let blocks {
            var generator = SplitMix(seed: seed, name: name)
            let bytes = blocks.random(rows * columns, deviation: deviation, using: &generator)
            return Tensor(name: name, dimensions: [columns, rows], content: .blocks(bytes, blocks))
        }
        var values = random(name, count: (rows - silent - loud) * columns, mean: 0, deviation: deviation)
        values += Array(repeating: 0, count: silent * columns)
        values += random(name + " padding", count: loud * columns, mean: 0, deviation: 8 * deviation)
        spoil(&values, of: name)
        return Tensor(name: name, dimensions: [columns, rows], content: .weights(values, weights))
    }

    private func vector(_ name: String, count: Int, mean: Float, deviation: Float) -> Tensor {
        var values = random(name, count: count, mean: mean, deviation: deviation)
        spoil(&values, of: name)
        return Tensor(name: name, dimensions: [count], content: .weights(values, .f32))
    }

    private func spoil(_ values: inout [Float], of name: String) {
        for (index, value) in spoilt[name] ?? [:] { values[index] = value }
    }

    private func random(_ name: String, count: Int, mean: Float, deviation: Float) -> [Float] {
        var generator = SplitMix(seed: seed, name: name)
        var values = (0..<count).map { _ in mean + deviation * generator.unit() }
        guard perturbation != 0 else { return values }
        var noise = SplitMix(seed: ~seed, name: name)
        for index in values.indices { values[index] += perturbation * deviation * noise.unit() }
        return values
    }
}

extension GGUFWriter {
    package mutating func add(_ tensor: TinyModel.Tensor) {
        addTensor(
            tensor.name,
            dimensions: tensor.dimensions.map { UInt64($0) },
            type: tensor.type,
            bytes: tensor.bytes
        )
    }
}
