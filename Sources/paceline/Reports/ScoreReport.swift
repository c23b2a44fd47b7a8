import PacelineModel
import PacelineSpeculation

/// What `score --json` prints.
struct ScoreReport: Encodable {
    struct Position: Encodable {
        var position: Int
        var top: [Entry]

        init(_ scored: Scorer.Position) {
            position = scored.position
            top = scored.top.map { Entry(token: $0.token, logProbability: $0.logProbability) }
        }
    }

    /// `[id, log-probability]`.
    struct Entry: Encodable {
        var token: Token
        var logProbability: Float

        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            try container.encode(token)
            try container.encode(logProbability)
        }
    }

    var tokens: [Token]
    var positions: [Position]
}
