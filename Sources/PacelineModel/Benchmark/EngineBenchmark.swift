import PacelineSpeculation
import PacelineTensor

/// Measures a model's passes and the hardware's limits in the same run.
///
/// A pass over one token is bounded by memory: the weights it touches ÷ the read bandwidth. A pass over n drafted
/// tokens should cost little more until arithmetic takes over; that ratio decides what speculation can gain. Each round
/// measures every figure once, bandwidth included, so that noise on a shared machine affects them all alike.
package struct EngineBenchmark {
    /// What to measure.
    package struct Schedule: Sendable {
        /// Rows of the verify passes, in order.
        package var nodes = [1, 2, 4, 8, 16, 32]
        /// Prompt tokens of the prefill measurement.
        package var prefill = 512
        /// Tokens in the cache during the verify passes.
        package var context = 64
        /// Rounds; the report has the median of each figure.
        package var repeats = 5
        /// Context lengths at which decoding is measured.
        package var contexts: [Int] = []

        package init() {}

        /// Tokens in the longest sequence of any measurement.
        package var longestSequence: Int {
            max(prefill, context + (nodes.max() ?? 1), (contexts.max() ?? 0) + 1)
        }
    }

    let model: LanguageModel
    private let compute: Compute
    private let schedule: Schedule
    /// The input; as long as the longest sequence.
    let tokens: [Token]

    /// - Parameter text: the model's input, repeated as needed.
    package init(
        model: LanguageModel,
        schedule: Schedule,
        text: String = "The verifier reads a tree of candidate tokens and keeps the prefix that it agrees with. "
    ) {
        self.model = model
        compute = model.transformer.compute
        self.schedule = schedule
        let encoded = model.tokenizer.encode(text)
        // A vocabulary may lack every byte of the text. Any token will do for a measurement.
        let piece = encoded.isEmpty ? [0] : encoded
        tokens = (0..<schedule.longestSequence).map { piece[$0 % piece.count] }
    }

    /// Runs the measurements. `progress` gets the share done (0 … 1) and the name of the next step.
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
            prefillTokens: schedule.prefill,
            prefillMilliseconds: median(samples.prefill),
            decodeMillisecondsByContext: samples.decode.mapValues(median),
            cacheBytesPerToken: model.transformer.cacheShape.pageBytes / KVPage.slots
        )
    }

    /// Milliseconds for the matrix products of a pass over `rows` rows with all data in the CPU caches; nil for float
    /// weights.
    ///
    /// The kernels multiply many rows in groups of up to 32, so larger counts have the rate of one group.
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
        /// By rows: the matrix products alone, with all data in the CPU caches.
        var kernels: [Int: [Double]] = [:]
        var verify: [Int: [Double]] = [:]
        var decode: [Int: [Double]] = [:]
        var prefill: [Double] = []
    }

    private func rounds(progress: (Double, String) -> Void) throws -> Samples {
        var samples = Samples()
        let probe = HardwareProbe(compute: compute)
        let verifying = try measuringCache(schedule.context, room: schedule.nodes.max() ?? 1)
        let prefilling = try measuringCache(0, room: schedule.prefill)
        let decoding = try schedule.contexts.map { (context: $0, cache: try measuringCache($0, room: 1)) }
        for round in 0..<schedule.repeats {
            progress(Double(round) / Double(schedule.repeats), "round \(round + 1) of \(schedule.repeats)")
            measureHardware(probe, into: &samples)
            for rows in schedule.nodes {
                samples.verify[rows, default: []].append(milliseconds(rows: rows, cache: verifying, wantingAll: true))
                measureKernels(rows: rows, probe: probe, into: &samples)
            }
            for (context, cache) in decoding {
                samples.decode[context, default: []].append(milliseconds(rows: 1, cache: cache, wantingAll: true))
            }
            samples.prefill.append(milliseconds(rows: schedule.prefill, cache: prefilling, wantingAll: false))
            if !schedule.nodes.contains(schedule.prefill) {
                measureKernels(rows: schedule.prefill, probe: probe, into: &samples)
            }
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

    /// Milliseconds for a pass over `rows` tokens after those in `cache`, which stays unchanged.
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
