import PacelineModel
import PacelineTraining

/// What is asked of a training, whatever the kind of the head.
struct TrainingRequest {
    var output: String
    var draftTokens: Int
    var epochs: Double
    var minutes: Double?
    var seed: UInt64
    var learningRate: Double
    var tokensPerBatch: Int
    /// How often the head runs on a batch in the second half; nil if it cannot run on its own guesses.
    var selfFeeding: Int?
    /// Measurements in the second half without a better one after which the training ends.
    var patience: Int
    var resumes: Bool

    /// The file beside the head that an interrupted training goes on from.
    var recordPath: String { output + ".record" }

    func recipe(steps: Int) -> TrainingRecipe {
        TrainingRecipe(seed: seed, peakLearningRate: learningRate, totalSteps: steps, runs: selfFeeding ?? 1)
    }

    /// All that decides what comes out.
    func settings(
        _ design: some HeadDesign,
        _ target: HeadTarget,
        _ data: CapturedTexts,
        steps: Int
    ) -> [TrainingRecord.Setting] {
        let material: [TrainingRecord.Setting] = [
            .init("target", target.fingerprint),
            .init("data", data.reader.header.fingerprint),
            .init("texts", "\(data.texts.count)"),
            .init("tokens", "\(data.texts.reduce(0) { $0 + $1.tokens })"),
            .init("steps", "\(steps)"),
            .init("--seed", "\(seed)"),
            .init("--draft-vocab", "\(draftTokens)"),
        ]
        let steps: [TrainingRecord.Setting?] = [
            .init("--learning-rate", "\(learningRate)"),
            .init("--batch-tokens", "\(tokensPerBatch)"),
            selfFeeding.map { .init("--self-feeding", "\($0)") },
        ]
        return material + design.settings + steps.compactMap(\.self)
    }

    /// The tokens that the head is to draft.
    func draftVocabulary(_ model: ModelFile, _ survey: CaptureSurvey) throws(TrainingDataError) -> DraftVocabulary {
        let control = model.tokenizer.controlTokens.map(Int.init).filter { $0 < survey.frequencies.count }
        let ends = model.tokenizer.endOfGeneration.map(Int.init).filter { $0 < survey.frequencies.count }
        // Models with hundreds of reserved control tokens need those that end an answer.
        let required = control.count <= draftTokens / 8 ? control : ends
        return try DraftVocabulary(
            mostFrequent: min(draftTokens, model.tokenizer.tokenCount),
            frequencies: survey.frequencies,
            required: required
        )
    }
}
