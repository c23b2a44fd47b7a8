package import PacelineSpeculation

/// Why a request was refused or could not be finished.
package enum RequestFault: Error, Equatable, Sendable {
    case emptyPrompt
    case promptTooLong(tokens: Int, context: Int)
    case tokenOutOfVocabulary(token: Token, vocabularySize: Int)
    case nothingToGenerate
    case invalidSampling(SamplingError)
    /// The least number of tokens is negative or above the most.
    case invalidMinimum(minimum: Int, maximum: Int)
    case invalidLogProbabilityCount(count: Int, limit: Int)
    /// The request was to go on behind tokens that lie behind its end.
    case generatedBeyondEnd(tokens: Int, end: Int)
    /// All slots and all places in the queue are taken; try again later.
    case overloaded(running: Int, waiting: Int)
    /// All places in the queue that one tenant may take are taken; try again later.
    case tenantOverloaded(waiting: Int)
    /// There was no memory for the request's keys and values; try again later.
    case cacheFull(String)
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
        case .invalidMinimum(let minimum, let maximum):
            "the least number of tokens must be from 0 to the most, which is \(maximum), not \(minimum)"
        case .invalidLogProbabilityCount(let count, let limit):
            "the number of log-probabilities for each token must be from 0 to \(limit), not \(count)"
        case .generatedBeyondEnd(let tokens, let end):
            "the request ends after \(end) generated tokens, and cannot go on behind \(tokens); send the first \(end)"
        case .overloaded(let running, let waiting):
            "the verifier is full: \(running) requests are running and \(waiting) waiting; try again later"
        case .tenantOverloaded(let waiting):
            "\(waiting) of your requests are waiting, which is as many as may; try again when some have ended"
        case .cacheFull(let reason): "there is no memory for the request at present: \(reason)"
        case .draining: "the verifier is shutting down and takes no new requests"
        case .slowConsumer(let waitingTokens):
            "the client reads too slowly: \(waitingTokens) tokens were waiting for it"
        case .engine(let reason): "the engine failed: \(reason)"
        }
    }
}
