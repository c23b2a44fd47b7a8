import PacelineCluster

/// What the gateway knows of one address of a verifier.
struct Replica: Sendable {
    enum State: String, Sendable {
        /// It has not answered yet, or the last attempt showed that what is known is old.
        case unknown
        case ready
        /// It loads, or will end soon.
        case refusing
        /// What answers is no verifier.
        case foreign
        case down
    }

    var state = State.unknown
    /// Replicas of one generation give equal tokens; nil before the first answer.
    var generation: String?
    /// The life of the verifier's process that answered; nil if it does not say.
    var incarnation: String?
    /// Whether a request was lost on it since it last answered.
    var isSuspected = false
    /// When a request was last lost on the way to it.
    var lastLoss: Instant?
    /// Whether it may get new requests as far as configuration and discovery go.
    var isListed = true
    /// When it last answered, whatever it said.
    var lastAnswer: Instant?
    /// When it was first asked without having answered since.
    var askedSince: Instant?
    var nextPoll: Instant
    var isPolled = false
    /// Attempts that run, and the tokens that they have left to read and to generate.
    var attempts = 0
    var outstanding = 0
    /// The number of the latest choice that fell on it.
    var lastChoice = 0
    /// Requests that it refused or lost and that went to another one, by why.
    var moves: [GatewayStatistics.Reason: Int] = [:]

    /// Whether it may get requests, of its generation.
    var isUsable: Bool { isListed && state == .ready }
}
