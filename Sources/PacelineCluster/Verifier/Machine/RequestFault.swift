package import PacelineSpeculation

/// Why a request was refused or could not be finished.
package enum RequestFault: Error, Equatable, Sendable {
    case emptyPrompt
    case promptTooLong(tokens: Int, context: Int)
    case tokenOutOfVocabulary(token: Token, vocabularySize: Int)
    case nothingToGenerate
    case invalidSampling(SamplingError)
    /// All slots and all places in the queue are taken; try again later.
    case overloaded(running: Int, waiting: Int)
    /// The verifier is draining or shutting down.
    case draining
    /// The client took its events too slowly.
    case slowConsumer(waitingTokens: Int)
    /// The engine could not go on with this request.
    case engine(String)
}

extension RequestFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .emptyPrompt: "the prompt holds no tokens; give at least one"
        case .promptTooLong(let tokens, let context):
            "the prompt has \(tokens) tokens, and with one generated token it must fit a context of \(context); "
                + "shorten it or raise the context"
        case .tokenOutOfVocabulary(let token, let vocabularySize):
            "the prompt holds token \(token), but the vocabulary has \(vocabularySize) tokens"
        case .nothingToGenerate: "the number of tokens to generate must be at least 1"
        case .invalidSampling(let error): error.description
        case .overloaded(let running, let waiting):
            "the verifier is full: \(running) requests are running and \(waiting) waiting; try again later"
        case .draining: "the verifier is shutting down and takes no new requests"
        case .slowConsumer(let waitingTokens):
            "the client reads too slowly: \(waitingTokens) tokens were waiting for it"
        case .engine(let reason): "the engine failed: \(reason)"
        }
    }
}
