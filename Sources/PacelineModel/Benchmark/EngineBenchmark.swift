import PacelineSpeculation
import PacelineTensor

/// Measures a model's passes against what the hardware allows, all in one run.
///
/// A pass over one token is bounded by memory: the weights it touches ÷ the read bandwidth. A pass over n drafted
/// tokens should cost little more until arithmetic takes over; that ratio decides what speculation can gain. The
/// figures of a round are measured in turn, bandwidth among them, so that a noisy moment of a shared machine hits all
/// of them alike.
package struct EngineBenchmark {
    /// What to measure.
    package struct Plan: Sendable {
        /// Rows of the verify passes, in order.
        package var nodes = [1, 2, 4, 8, 16, 32]
        /// Prompt tokens of the prefill measurement.
        package var prefill = 512
        /// Tokens in the cache during the verify passes.
        package var context = 64
        /// Rounds; the median of each figure counts.
        package var repeats = 5
        /// Context lengths at which decoding is measured.
        package var contexts: [Int] = []

        package init() {}

        /// The most tokens that a sequence holds in any of the measurements.
        package var longestSequence: Int {
            max(prefill, context + (nodes.max() ?? 1), (contexts.max() ?? 0) + 1)
        }
    }

    let model: LanguageModel
    private let compute: Compute
    private let plan: Plan
    /// What is read, as long as the longest sequence.
    let tokens: [Token]

    /// - Parameter text: what the model reads; repeated as needed.
    package init(
        model: LanguageModel,
        plan: Plan,
        text: String = "The verifier reads a tree of candidate tokens and keeps the prefix that it agrees with. "
    ) {
        self.model = model
        compute = model.transformer.compute
        self.plan = plan
        let encoded = model.tokenizer.encode(text)
        // A vocabulary may lack every byte of the text; any token will do to measure with.
        let piece = encoded.isEmpty ? [0] : encoded
        tokens = (0..<plan.longestSequence).map { piece[$0 % piece.count] }
    }

    /// Runs the measurements. `progress` is told the share that is done (0 … 1) and what comes next.
    package func run(progress: (Double, String) -> Void = { _, _ in }) throws -> EngineReport {
        let samples = try rounds(progress: progress)
        return EngineReport(
            model: model.path,
            threads: compute.pool.threads,
            instructionSet: compute.isa.rawValue,
            bandwidth: median(samples.bandwidth),
            codesBandwidth: median(samples.codesBandwidth),
            int8Peak: median(samples.int8Peak),
            floatPeak: median(samples.floatPeak),
            bytesPerPass: model.transformer.weights.bytesPerPass,
            macsPerToken: model.transformer.weights.weightsPerPass,
            kernelMilliseconds: samples.kernels.mapValues(median),
            verifyMilliseconds: samples.verify.mapValues(median),
            prefillTokens: plan.prefill,
            prefillMilliseconds: median(samples.prefill),
            decodeMillisecondsByContext: samples.decode.mapValues(median),
            cacheBytesPerToken: model.transformer.cacheShape.pageBytes / KVPage.slots
        )
    }

    /// What the products of a pass over `rows` rows take where the kernels find all in the caches; nil for float
    /// weights.
    ///
    /// Many rows are multiplied group by group, so that a group's rate is theirs.
    private func kernelMilliseconds(rows: Int, probe: HardwareProbe) -> Double? {
        let weights = model.transformer.weights.weightsByType
        guard !weights.keys.contains(where: \.isFloat) else { return nil }
        let times = weights.map { type, count in
            Double(rows * count) / (probe.kernelCeiling(type: type, rows: min(rows, 32), repeats: 1) * 1e6)
        }
        return times.reduce(0, +)
    }

    private struct Samples {
        var bandwidth: [Double] = []
        var codesBandwidth: [Double] = []
        var int8Peak: [Double] = []
        var floatPeak: [Double] = []
        /// By rows: the products alone, in the caches.
        var kernels: [Int: [Double]] = [:]
        var verify: [Int: [Double]] = [:]
        var decode: [Int: [Double]] = [:]
        var prefill: [Double] = []
    }

    private func rounds(progress: (Double, String) -> Void) throws -> Samples {
        var samples = Samples()
        let probe = HardwareProbe(compute: compute)
        let verifying = try measuringCache(plan.context, room: plan.nodes.max() ?? 1)
        let prefilling = try measuringCache(0, room: plan.prefill)
        let decoding = try plan.contexts.map { (context: $0, cache: try measuringCache($0, room: 1)) }
        for round in 0..<plan.repeats {
            progress(Double(round) / Double(plan.repeats), "round \(round + 1) of \(plan.repeats)")
            measureHardware(probe, into: &samples)
            for rows in plan.nodes {
                samples.verify[rows, default: []].append(milliseconds(rows: rows, cache: verifying, wantingAll: true))
                measureKernels(rows: rows, probe: probe, into: &samples)
            }
            for (context, cache) in decoding {
                samples.decode[context, default: []].append(milliseconds(rows: 1, cache: cache, wantingAll: true))
            }
            samples.prefill.append(milliseconds(rows: plan.prefill, cache: prefilling, wantingAll: false))
            if !plan.nodes.contains(plan.prefill) { measureKernels(rows: plan.prefill, probe: probe, into: &samples) }
        }
        return samples
    }

    private func measureHardware(_ probe: HardwareProbe, into samples: inout Samples) {
        let bandwidths = probe.bandwidths(bytes: 1 << 28, repeats: 3)
        samples.bandwidth.append(bandwidths.read)
        samples.codesBandwidth.append(bandwidths.codes)
        samples.int8Peak.append(probe.int8Peak(repeats: 1))
        samples.floatPeak.append(probe.floatPeak(repeats: 1))
    }

    private func measureKernels(rows: Int, probe: HardwareProbe, into samples: inout Samples) {
        guard let time = kernelMilliseconds(rows: rows, probe: probe) else { return }
        samples.kernels[rows, default: []].append(time)
    }

    /// The time of a pass over `rows` tokens behind those of `cache`, which stays as it is.
    private func milliseconds(rows: Int, cache: KVCache, wantingAll: Bool) -> Double {
        let start = cache.length
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

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
