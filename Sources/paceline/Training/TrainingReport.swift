import PacelineModel
import PacelineTraining

/// What `train` prints.
struct TrainingReport: Encodable {
    /// Mean acceptance length: tokens a round, with the target's own.
    struct Acceptance: Encodable {
        var meanAcceptanceLength: Double
        /// How often the token at a place is accepted where the ones before it are.
        var byPosition: [Double]
        var rounds: Int

        enum CodingKeys: String, CodingKey {
            case meanAcceptanceLength = "mean_acceptance_length"
            case byPosition = "acceptance_by_position"
            case rounds
        }

        init(_ measure: AcceptanceMeasure) {
            meanAcceptanceLength = measure.length
            byPosition = measure.conditional
            rounds = measure.rounds
        }
    }

    private struct Point: Encodable {
        enum CodingKeys: String, CodingKey {
            case step, tokens, loss
            case meanAcceptanceLength = "mean_acceptance_length"
            case byPosition = "acceptance_by_position"
        }

        var step: Int
        var tokens: Int
        var loss: Double
        var meanAcceptanceLength: Double
        var byPosition: [Double]
    }

    enum CodingKeys: String, CodingKey {
        case model, parameters, steps, texts, tokens, curve, chain, tree, seconds, finished
        case draftTokens = "draft_vocab_size"
        case coverage = "draft_vocab_coverage"
    }

    let model: String
    let draftTokens: Int
    /// The share of the target's tokens that the draft vocabulary has.
    let coverage: Double
    let parameters: Int
    let steps: Int
    /// To train on.
    let texts: Int
    let tokens: Int
    var measurements: [TrainingMeasurement] = []
    /// Of the best head: chains of 4, and trees of 16.
    var chain: Acceptance?
    var tree: Acceptance?
    var seconds = 0.0
    var isFinished = false

    init(
        _ target: HeadTarget,
        _ data: CapturedTexts,
        coverage: Double,
        draftTokens: Int,
        parameters: Int,
        steps: Int
    ) {
        model = target.name
        (self.draftTokens, self.coverage) = (draftTokens, coverage)
        (self.parameters, self.steps) = (parameters, steps)
        texts = data.texts.count
        tokens = data.texts.reduce(0) { $0 + $1.tokens }
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(model, forKey: .model)
        try values.encode(draftTokens, forKey: .draftTokens)
        try values.encode(coverage, forKey: .coverage)
        try values.encode(parameters, forKey: .parameters)
        try values.encode(steps, forKey: .steps)
        try values.encode(texts, forKey: .texts)
        try values.encode(tokens, forKey: .tokens)
        let curve = measurements.map {
            Point(
                step: $0.step,
                tokens: $0.tokens,
                loss: $0.loss,
                meanAcceptanceLength: $0.acceptance,
                byPosition: $0.conditional
            )
        }
        try values.encode(curve, forKey: .curve)
        try values.encodeIfPresent(chain, forKey: .chain)
        try values.encodeIfPresent(tree, forKey: .tree)
        try values.encode(seconds, forKey: .seconds)
        try values.encode(isFinished, forKey: .finished)
    }

    /// The curve and the best head's figures, for people.
    var text: String {
        var table = TextTable(
            header: ["step", "tokens", "loss", "tokens/round", "accepted by position"],
            rightAligned: [0, 1, 2, 3]
        )
        for point in measurements { table.append(Self.row(point)) }
        var text = table.text
        text += "draft vocabulary: \(draftTokens) tokens, \((100 * coverage).formatted(decimals: 1)) % of what the "
        text += "target said; \(parameters) parameters, \(texts) texts with \(tokens) tokens, "
        text += "\(seconds.formatted(decimals: 0)) s\n"
        for (name, acceptance) in [("chains of 4", chain), ("trees of 16", tree)] {
            guard let acceptance else { continue }
            text += "\(name): \(acceptance.meanAcceptanceLength.formatted(decimals: 2)) tokens a round "
            text += "(\(acceptance.rounds) rounds of texts that were not trained on)\n"
        }
        return text
    }

    static func row(_ point: TrainingMeasurement) -> [String] {
        [
            "\(point.step)", "\(point.tokens)", point.step == 0 ? "-" : point.loss.formatted(decimals: 3),
            point.acceptance.formatted(decimals: 2),
            point.conditional.map { $0.formatted(decimals: 2) }.joined(separator: " "),
        ]
    }
}
