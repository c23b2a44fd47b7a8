import PacelineSpeculation
import PacelineTensor

/// Measures a model's passes against what the hardware allows, all in one run.
///
/// A pass over one token is bounded by memory: the weights it touches ÷ the read bandwidth. A pass over n drafted tokens should
/// cost little more until arithmetic takes over; that ratio decides what speculation can gain.
package struct EngineBenchmark {
    /// What to measure.
    package struct Plan: Sendable {
        /// Rows of the verify passes, in order.
        package var nodes = [1, 2, 4, 8, 16, 32]
        /// Prompt tokens of the prefill measurement.
        package var prefill = 128
        /// Tokens in the cache during the verify passes.
        package var context = 64
        /// Runs per figure; the median counts.
        package var repeats = 5
        /// Context lengths at which decoding is measured.
        package var contexts: [Int] = []

        package init() {}
    }

    private let model: LanguageModel
    private let compute: Compute
    private let plan: Plan
    private let tokens: [Token]

    /// - Parameter text: what the model reads; repeated as needed.
    package init(
        model: LanguageModel,
        plan: Plan,
        text: String = "The verifier reads a tree of candidate tokens and keeps the prefix that it agrees with. "
    ) {
        self.model = model
        compute = model.transformer.compute
        self.plan = plan
        let piece = model.tokenizer.encode(text)
        let needed = max(plan.prefill, plan.context + (plan.nodes.max() ?? 1), (plan.contexts.max() ?? 0) + 1)
        tokens = (0..<needed).map { piece[$0 % piece.count] }
    }

    /// Runs the measurements. `progress` is told what is being measured.
    package func run(progress: (String) -> Void = { _ in }) throws -> EngineReport {
        let probe = HardwareProbe(compute: compute)
        progress("reading memory")
        let bandwidthBefore = probe.readBandwidth()
        progress("arithmetic peaks")
        let int8Peak = probe.int8Peak()
        let floatPeak = probe.floatPeak()
        progress("verify passes")
        let verify = try verifyMilliseconds()
        progress("prefill")
        let prefill = try median { try milliseconds(rows: plan.prefill, context: 0, wantingAll: false) }
        var decode: [Int: Double] = [:]
        for context in plan.contexts {
            progress("decoding at \(context) tokens of context")
            decode[context] = try decodeMilliseconds(context: context)
        }
        let bandwidth = (bandwidthBefore + probe.readBandwidth()) / 2
        return EngineReport(
            model: model.path,
            threads: compute.pool.threads,
            instructionSet: compute.isa.rawValue,
            bandwidth: bandwidth,
            int8Peak: int8Peak,
            floatPeak: floatPeak,
            bytesPerPass: model.transformer.weights.bytesPerPass,
            macsPerToken: model.transformer.weights.weightsPerPass,
            verifyMilliseconds: verify,
            prefillTokens: plan.prefill,
            prefillMilliseconds: prefill,
            decodeMillisecondsByContext: decode,
            cacheBytesPerToken: model.transformer.cacheShape.pageBytes / KVPage.slots
        )
    }

    /// Median milliseconds of a pass over n rows with logits for all; the sizes take turns, so that a noisy moment hits all alike.
    private func verifyMilliseconds() throws -> [Int: Double] {
        var samples: [Int: [Double]] = [:]
        for _ in 0..<plan.repeats {
            for count in plan.nodes {
                samples[count, default: []].append(
                    try milliseconds(rows: count, context: plan.context, wantingAll: true)
                )
            }
        }
        return samples.mapValues { $0.sorted()[$0.count / 2] }
    }

    private func decodeMilliseconds(context: Int) throws -> Double {
        let cache = try filledCache(context)
        return try median { try pass(rows: 1, cache: cache, wantingAll: true) }
    }

    private func milliseconds(rows: Int, context: Int, wantingAll: Bool) throws -> Double {
        try pass(rows: rows, cache: filledCache(context), wantingAll: wantingAll)
    }

    private func pass(rows: Int, cache: KVCache, wantingAll: Bool) throws -> Double {
        let start = cache.length
        try cache.reserve(start + rows)
        let items = (0..<rows).map { row in
            PassRow.committed(
                tokens[start + row],
                position: start + row,
                cache: cache,
                wantsLogits: wantingAll || row == rows - 1
            )
        }
        let clock = ContinuousClock()
        return clock.measure { model.transformer.forward(items) }.inMilliseconds
    }

    private func filledCache(_ context: Int) throws -> KVCache {
        let slots = context + max(plan.prefill, plan.nodes.max() ?? 1) + KVPage.slots
        let cache = KVCache(pool: KVPagePool(shape: model.transformer.cacheShape, slots: slots))
        while cache.length < context {
            let range = cache.length..<min(context, cache.length + 256)
            try cache.reserve(range.upperBound)
            model.transformer.forward(
                range.map { .committed(tokens[$0], position: $0, cache: cache, wantsLogits: false) }
            )
            cache.commit(range.count)
        }
        return cache
    }

    private func median(_ measure: () throws -> Double) rethrows -> Double {
        let samples = try (0..<plan.repeats).map { _ in try measure() }.sorted()
        return samples[samples.count / 2]
    }
}

extension Duration {
    /// This duration in milliseconds.
    var inMilliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
    }
}
