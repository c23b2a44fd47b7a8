import PacelineCluster
import PacelineSpeculation

/// A client of a verifier: submits its request, again where it was refused or its verifier died, and compares what it
/// gets with what plain decoding gives.
struct SimulatedClient {
    enum Ending: Equatable {
        case finished
        case cancelled
        case tooSlow
    }

    let request: Scenario.Request
    let verifier: Int
    /// What plain decoding emits: the oracle.
    let plain: [Token]
    /// Tokens of the present attempt.
    var received = 0
    /// The most tokens that any attempt brought.
    var longest = 0
    /// The present attempt; nil between two.
    var attempt: AttemptKey?
    var ending: Ending?
    var isCancelled = false
    /// Tokens that wait for a client that does not read.
    var unread = 0
    var isOverflowing = false
    /// When the present attempt last brought tokens.
    var lastTokensAt: Instant?

    init(_ request: Scenario.Request, verifier: Int) {
        self.request = request
        self.verifier = verifier
        plain = MockText.plain(
            prompt: request.prompt,
            seed: request.seed,
            count: request.maximumTokens,
            stops: request.stopTokens
        )
    }

    var generation: GenerationRequest {
        GenerationRequest(
            prompt: request.prompt,
            sampling: SamplingParameters(seed: request.seed),
            maximumTokens: request.maximumTokens,
            stopTokens: request.stopTokens
        )
    }

    /// Whether the request ends with a stop token rather than by its length.
    var endsWithStop: Bool {
        plain.last.map(request.stopTokens.contains) ?? false
    }
}
