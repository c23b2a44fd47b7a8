package import PacelineSpeculation

/// Why a tokenizer cannot be loaded, or why a text or token cannot be converted. The description states the way out.
package enum TokenizerError: Error, Equatable, CustomStringConvertible {
    case unsupportedModel(path: String, model: String, supported: [String])
    case unsupportedPreTokenizer(path: String, name: String, supported: [String])
    case wrongTokenCount(path: String, tokens: Int)
    case wrongTypeCount(path: String, tokens: Int, types: Int)
    case wrongScoreCount(path: String, tokens: Int, scores: Int)
    case malformedMerge(path: String, index: Int, merge: String)
    case specialTokenOutOfRange(path: String, key: String, token: Int, tokenCount: Int)
    case invalidToken(Token, tokenCount: Int)
    case invalidUTF8(offset: Int)

    package var description: String {
        switch self {
        case .unsupportedModel(let path, let model, let supported):
            "\(path) has the tokenizer model \"\(model)\"; supported are \(Self.list(supported))"
        case .unsupportedPreTokenizer(let path, let name, let supported):
            "\(path) has the pre-tokeniser \"\(name)\"; supported are \(Self.list(supported))"
        case .wrongTokenCount(let path, let tokens):
            "\(path) has a vocabulary of \(tokens) tokens, but 1 to 2^31 - 1 are needed; convert the model again"
        case .wrongTypeCount(let path, let tokens, let types):
            "\(path) has \(tokens) tokens but \(types) token types; convert the model again"
        case .wrongScoreCount(let path, let tokens, let scores):
            "\(path) has \(tokens) tokens but \(scores) scores; convert the model again"
        case .malformedMerge(let path, let index, let merge):
            "\(path) has the merge \"\(merge)\" (number \(index)), which does not join two tokens into a third; "
                + "convert the model again"
        case .specialTokenOutOfRange(let path, let key, let token, let tokenCount):
            "\(path) has the token \(token) for \(key), but its vocabulary has \(tokenCount) tokens; "
                + "convert the model again"
        case .invalidToken(let token, let tokenCount):
            "the token \(token) is outside the vocabulary of \(tokenCount) tokens; use ids from 0 to \(tokenCount - 1)"
        case .invalidUTF8(let offset):
            "the text is not valid UTF-8 at byte \(offset); convert it to UTF-8 first"
        }
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
