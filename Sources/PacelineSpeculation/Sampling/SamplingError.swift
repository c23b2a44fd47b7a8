/// Why sampling parameters are invalid.
package enum SamplingError: Error, Hashable, Sendable {
    /// `value` is out of range for the parameter `name`; `allowed` describes the range.
    case outOfRange(name: String, value: String, allowed: String)
    case duplicateLogitBias(token: Token)
    case tooManyLogitBiases(count: Int, limit: Int)
    case logitBiasOutOfVocabulary(token: Token, vocabularySize: Int)
}

extension SamplingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .outOfRange(let name, let value, let allowed):
            "\(name) must be \(allowed), not \(value)"
        case .duplicateLogitBias(let token):
            "logit_bias names token \(token) twice; give each token one bias"
        case .tooManyLogitBiases(let count, let limit):
            "logit_bias may name at most \(limit) tokens, not \(count)"
        case .logitBiasOutOfVocabulary(let token, let vocabularySize):
            "logit_bias names token \(token), but the vocabulary has \(vocabularySize) tokens"
        }
    }
}
