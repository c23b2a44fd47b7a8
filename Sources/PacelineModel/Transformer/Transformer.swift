package import PacelineSpeculation
package import PacelineTensor

/// A decoder-only transformer: takes token ids and KV caches, returns logits.
///
/// A pass can mix prompt chunks, single tokens and tree nodes of several sequences. The logits of a row are
/// bit-identical whatever else is in the pass. One thread uses a transformer at a time; all caches share its weights.
package final class Transformer {
    package let configuration: ModelConfiguration
    package let compute: Compute
    package let weights: TransformerWeights
    /// How keys and values are stored, which affects the logits.
    package let cacheType: KVType
    private var buffers: PassBuffers
    private var logits: FloatMatrix

    /// Called after every layer of a pass on the computing thread, so that a long pass is not mistaken for a hung one.
    package var onProgress: (@Sendable () -> Void)?

    package init(
        configuration: ModelConfiguration,
        weights: TransformerWeights,
        compute: Compute,
        cacheType: KVType = .f16
    ) {
        self.configuration = configuration
        self.cacheType = cacheType
        self.weights = weights
        self.compute = compute
        buffers = PassBuffers(configuration: configuration, rotaryFactors: weights.rotaryFactors, rows: 16)
        logits = FloatMatrix(rows: 1, columns: weights.columns.count)
    }

    /// The shape of the KV caches that this model needs.
    package var cacheShape: KVShape {
        configuration.cacheShape(cacheType)
    }

    /// Computes one pass and returns the logits of the rows that request them, in order: (these rows x columns of the
    /// output head).
    ///
    /// Stores the keys and values of row i in `rows[i].slot` of its cache, which must be reserved. The result is valid
    /// until the next pass.
    ///
    /// - Parameter features: takes the features of the rows that want some. They change no bit of the logits, and have
    ///   the same bits whatever else is in the pass, as these.
    @discardableResult
    package func forward(_ rows: [PassRow], features: FeatureRows? = nil) -> FloatMatrix {
        let tapped = features == nil ? [] : rows.indices.filter { rows[$0].wantsFeatures }
        features?.begin(rows: tapped.count)
        guard !rows.isEmpty else { return logits }
        if buffers.rows < rows.count {
            buffers = PassBuffers(
                configuration: configuration,
                rotaryFactors: weights.rotaryFactors,
                rows: rows.count
            )
        }
        embed(rows)
        let attention = attentionBatch(rows)
        let last = configuration.blockCount - 1
        for layer in 0..<last {
            features?.copy(.input(layer: layer), from: buffers.hidden, rows: tapped)
            storeInputs(layer: layer, attention)
            forward(layer: layer, rows: rows.count, attention: attention)
            onProgress?()
        }
        features?.copy(.input(layer: last), from: buffers.hidden, rows: tapped)
        storeInputs(layer: last, attention)
        let readsLast = features?.readsLastLayer ?? false
        let kept = keep(rows) { $0.wantsLogits || (readsLast && $0.wantsFeatures) }
        guard !kept.isEmpty else { return logits }
        let isWhole = kept.count == rows.count
        forward(layer: last, rows: kept.count, attention: isWhole ? attention : attentionBatch(kept))
        onProgress?()
        guard let features, readsLast else { return head(rows: kept.count) }
        copyLast(into: features, of: kept)
        let scored = move(buffers.hidden, kept) { $0.wantsLogits }
        return scored.isEmpty ? logits : head(rows: scored.count)
    }

    // MARK: Parts of a pass

    private func embed(_ rows: [PassRow]) {
        for (index, row) in rows.enumerated() {
            weights.embed(row.token, into: buffers.hidden, row: index)
            buffers.setAngles(row: index, position: row.position)
        }
        if configuration.embeddingScale != 1 {
            compute.scale(buffers.hidden, by: configuration.embeddingScale, rows: rows.count)
        }
        if let temperature = configuration.temperature {
            buffers.queryFactors = rows.map { temperature.factor(position: $0.position) }
        }
    }

    /// The part of a layer before its attention: computes queries, keys and values, and stores the latter two.
    private func storeInputs(layer index: Int, _ attention: AttentionBatch) {
        normalise(buffers.hidden, weight: weights.layers[index].attentionNorm, rows: attention.count)
        project(weights.layers[index], index: index, rows: attention.count)
        attention.store(keys: buffers.keys, values: buffers.values, layer: index, compute: compute)
    }

    /// Moves the rows whose results are wanted to the front. After the last layer has stored keys and values, nothing
    /// depends on the others any more.
    private func keep(_ rows: [PassRow], where isWanted: (PassRow) -> Bool) -> [PassRow] {
        move(buffers.queries, rows, isWanted)
        return move(buffers.hidden, rows, isWanted)
    }

    /// Moves some rows of a matrix to its front, in order.
    @discardableResult
    private func move(_ matrix: FloatMatrix, _ rows: [PassRow], _ isWanted: (PassRow) -> Bool) -> [PassRow] {
        let wanted = rows.indices.filter { isWanted(rows[$0]) }
        for (target, row) in wanted.enumerated() where row != target {
            matrix.copyRow(target, from: matrix, row: row)
        }
        return wanted.map { rows[$0] }
    }

    /// Copies the features behind the last layer.
    private func copyLast(into features: FeatureRows, of rows: [PassRow]) {
        let tapped = rows.indices.filter { rows[$0].wantsFeatures }
        features.copy(.lastOutput, from: buffers.hidden, rows: tapped)
        // By the same arithmetic as before the output matrix.
        features.copy(.normedOutput, from: buffers.normed, rows: tapped) { row in
            compute.rmsNorm(
                buffers.hidden,
                row: row,
                weight: weights.outputNorm,
                epsilon: configuration.normEpsilon,
                into: buffers.normed
            )
        }
    }

    /// The part of a layer from its attention on, for the first `count` rows of the buffers.
    private func forward(layer index: Int, rows count: Int, attention: AttentionBatch) {
        let layer = weights.layers[index]
        attention.run(
            layer: index,
            queries: buffers.queries,
            output: buffers.attended,
            scale: configuration.attentionScale,
            window: configuration.windows[index] ?? 0,
            compute: compute
        )
        compute.quantise(buffers.attended, rows: count, into: buffers.quantised)
        compute.multiply(
            buffers.attended,
            quantised: buffers.quantised,
            rows: count,
            [(layer.attentionOutput, buffers.update)],
            then: [layer.gate, layer.up]
        )
        addUpdate(bias: layer.attentionOutputBias, norm: layer.attentionOuterNorm, rows: count)
        feedForward(layer, rows: count, before: index + 1)
    }

    private func project(_ layer: TransformerWeights.Layer, index: Int, rows count: Int) {
        compute.multiply(
            buffers.normed,
            quantised: buffers.quantised,
            rows: count,
            [(layer.query, buffers.queries), (layer.key, buffers.keys), (layer.value, buffers.values)],
            then: [layer.attentionOutput]
        )
        if let bias = layer.queryBias { compute.addBias(bias, to: buffers.queries, rows: count) }
        if let bias = layer.keyBias { compute.addBias(bias, to: buffers.keys, rows: count) }
        if let bias = layer.valueBias { compute.addBias(bias, to: buffers.values, rows: count) }
        let epsilon = configuration.normEpsilon
        if let norm = layer.queryNorm {
            compute.rmsNormHeads(buffers.queries, rows: count, weight: norm, epsilon: epsilon)
        }
        if let norm = layer.keyNorm { compute.rmsNormHeads(buffers.keys, rows: count, weight: norm, epsilon: epsilon) }
        let isWindowed = configuration.windows[index] != nil
        let angles = (isWindowed ? buffers.windowedAngles : nil) ?? buffers.angles
        for heads in [buffers.queries, buffers.keys] {
            compute.rotate(heads, rows: count, headDimension: configuration.headDimension, angles: angles)
        }
        for (row, factor) in buffers.queryFactors.enumerated() where factor != 1 {
            compute.scale(buffers.queries, by: factor, row: row)
        }
    }

    private func feedForward(_ layer: TransformerWeights.Layer, rows count: Int, before next: Int) {
        normalise(buffers.hidden, weight: layer.feedForwardNorm, rows: count)
        compute.multiply(
            buffers.normed,
            quantised: buffers.quantised,
            rows: count,
            [(layer.gate, buffers.gate), (layer.up, buffers.up)],
            then: [layer.down]
        )
        if let bias = layer.gateBias { compute.addBias(bias, to: buffers.gate, rows: count) }
        if let bias = layer.upBias { compute.addBias(bias, to: buffers.up, rows: count) }
        compute.quantise(buffers.gate, rows: count, into: buffers.quantisedWide) { row in
            switch configuration.architecture.gate {
            case .silu: compute.siluMultiply(gate: buffers.gate, up: buffers.up, row: row)
            case .gelu: compute.geluMultiply(gate: buffers.gate, up: buffers.up, row: row)
            }
        }
        compute.multiply(
            buffers.gate,
            quantised: buffers.quantisedWide,
            rows: count,
            [(layer.down, buffers.update)],
            then: next < weights.layers.count ? weights.layers[next].inputs : [weights.output]
        )
        addUpdate(bias: layer.downBias, norm: layer.feedForwardOuterNorm, rows: count)
    }

    /// Prepares the input of the next products: sets `normed` to the RMS norm of `input`, and quantises it.
    private func normalise(_ input: FloatMatrix, weight: FloatMatrix, rows count: Int) {
        compute.quantise(buffers.normed, rows: count, into: buffers.quantised) { row in
            compute.rmsNorm(input, row: row, weight: weight, epsilon: configuration.normEpsilon, into: buffers.normed)
        }
    }

    /// Adds the output of attention or feed-forward, with its bias, to the residual stream. Normalises it first in
    /// families with outer norms.
    private func addUpdate(bias: FloatMatrix?, norm: FloatMatrix?, rows count: Int) {
        let update = buffers.update
        if let bias { compute.addBias(bias, to: update, rows: count) }
        if let norm {
            compute.rmsNorm(update, rows: count, weight: norm, epsilon: configuration.normEpsilon, into: update)
        }
        compute.add(update, to: buffers.hidden, rows: count)
    }

    private func head(rows count: Int) -> FloatMatrix {
        if logits.rows < count {
            logits = FloatMatrix(rows: count, columns: weights.columns.count)
        }
        normalise(buffers.hidden, weight: weights.outputNorm, rows: count)
        compute.multiply(
            buffers.normed,
            quantised: buffers.quantised,
            rows: count,
            [(weights.output, logits)],
            then: weights.layers.first?.inputs ?? []
        )
        if let bias = weights.outputBias { compute.addBias(bias, to: logits, rows: count) }
        return logits
    }

    private func attentionBatch(_ rows: [PassRow]) -> AttentionBatch {
        let batch = AttentionBatch(shape: cacheShape)
        var sequences: [(cache: KVCache, number: Int)] = []
        for row in rows {
            let known = sequences.last { $0.cache === row.cache }
            let number = known?.number ?? batch.addSequence(pages: row.cache.pages)
            if known == nil { sequences.append((row.cache, number)) }
            batch.addRow(
                sequence: number,
                base: row.base,
                path: row.path,
                page: row.cache.page(toWrite: row.slot),
                slot: row.slot % KVPage.slots
            )
        }
        return batch
    }
}

/// One row of a pass: a token, its position and the slots that it attends to.
package struct PassRow {
    package var token: Token
    /// Its absolute position in the sequence.
    package var position: Int
    package var cache: KVCache
    /// The slot for its key and value.
    package var slot: Int
    /// It attends to slots 0 ..< `base` first …
    package var base: Int
    /// … and then to these slots in order, including its own.
    package var path: [Int]
    package var wantsLogits: Bool
    /// Whether its features are copied, if the caller of the pass asks for some.
    package var wantsFeatures: Bool

    package init(
        token: Token,
        position: Int,
        cache: KVCache,
        slot: Int,
        base: Int,
        path: [Int] = [],
        wantsLogits: Bool,
        wantsFeatures: Bool = false
    ) {
        self.token = token
        self.position = position
        self.cache = cache
        self.slot = slot
        self.base = base
        self.path = path
        self.wantsLogits = wantsLogits
        self.wantsFeatures = wantsFeatures
    }

    /// A committed token of `cache`. Its slot equals its position, and it attends to everything up to itself.
    package static func committed(
        _ token: Token,
        position: Int,
        cache: KVCache,
        wantsLogits: Bool,
        wantsFeatures: Bool = false
    ) -> PassRow {
        PassRow(
            token: token,
            position: position,
            cache: cache,
            slot: position,
            base: position + 1,
            wantsLogits: wantsLogits,
            wantsFeatures: wantsFeatures
        )
    }
}
