import PacelineSpeculation

/// How a head is trained: all that, besides data and first parameters, decides what comes out.
package struct TrainingRecipe: Equatable, Sendable {
    package var seed: UInt64
    package var learningRate: LearningRate
    package var optimiser: AdamW
    package var clipping: GradientClipping
    /// The largest noise on features, in standard deviations of them.
    package var featureNoise: Double
    /// How many times the head runs on a batch, as it changes over the training: (from this step on, runs). HASS trains
    /// with one run first and then with three.
    package var selfFeeding: [SelfFeeding]

    /// From a step on, how many times the head runs on a batch.
    package struct SelfFeeding: Equatable, Sendable {
        package var fromStep: Int
        package var runs: Int

        package init(fromStep: Int, runs: Int) {
            (self.fromStep, self.runs) = (fromStep, runs)
        }
    }

    /// One run in the first half, `runs` in the second; warm-up over 3 % of the steps.
    package init(seed: UInt64, peakLearningRate: Double, totalSteps: Int, runs: Int = 3) {
        self.seed = seed
        learningRate = LearningRate(
            peak: peakLearningRate,
            warmUpSteps: max(1, totalSteps * 3 / 100),
            totalSteps: totalSteps
        )
        optimiser = AdamW()
        clipping = .norm(1)
        featureNoise = 0.1
        selfFeeding = [SelfFeeding(fromStep: 0, runs: 1), SelfFeeding(fromStep: totalSteps / 2, runs: runs)]
    }

    /// How often the head runs in a step, at least once.
    package func runs(step: Int) -> Int {
        max(1, selfFeeding.last { $0.fromStep <= step }?.runs ?? 1)
    }

    /// The seed of a step's noise.
    func noiseSeed(step: Int) -> UInt64 { SplitMix.mixed(~seed, step) }
}
