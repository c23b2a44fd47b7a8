/// Why data cannot be trained on.
package enum TrainingDataError: Error, Equatable, CustomStringConvertible {
    case draftVocabulary(index: Int, token: Int, after: Int, targetCount: Int)
    case embedding(rows: Int, tokens: Int)
    case frozenWidth(part: String, found: Int, expected: Int)
    case outputRows(found: Int, draftTokens: Int)
    case emptyBatch
    case tooShort(sequence: Int, tokens: Int, needed: Int)
    case shape(sequence: Int, part: String, found: Int, expected: Int)
    case unknownToken(sequence: Int, position: Int, token: Int)
    case notFinite(sequence: Int, part: String)
    case logProbability(sequence: Int, position: Int)
    case parameterCount(found: Int, expected: Int)

    package var description: String {
        switch self {
        case .draftVocabulary(let index, let token, let after, let targetCount):
            "draft token \(index) stands for token \(token), but must be above \(after) and below \(targetCount): "
                + "list the tokens once each, in ascending order"
        case .embedding(let rows, let tokens):
            "\(tokens) tokens have \(rows) embeddings: give one row to each token, and list no token twice"
        case .frozenWidth(let part, let found, let expected):
            "\(part) have \(found) columns, but the head is \(expected) wide: take them from the same target"
        case .outputRows(let found, let draftTokens):
            "the output slice has \(found) rows, but the draft vocabulary has \(draftTokens) tokens"
        case .emptyBatch:
            "a batch without sequences teaches nothing: leave it out"
        case .tooShort(let sequence, let tokens, let needed):
            "sequence \(sequence) has \(tokens) tokens, but the head needs at least \(needed): leave it out"
        case .shape(let sequence, let part, let found, let expected):
            "sequence \(sequence) has \(found) \(part) instead of \(expected): capture it again"
        case .unknownToken(let sequence, let position, let token):
            "sequence \(sequence) has token \(token) at position \(position), which has no embedding: "
                + "was it captured with another model?"
        case .notFinite(let sequence, let part):
            "sequence \(sequence) has \(part) that are not finite: capture it again"
        case .logProbability(let sequence, let position):
            "sequence \(sequence) has a log-probability at position \(position) that is not a number up to 0: "
                + "capture it again"
        case .parameterCount(let found, let expected):
            "there are \(found) parameters, but the head has \(expected): continue with the head that was trained"
        }
    }
}
