/// The bounds and times of a gateway.
package struct GatewayConfiguration: Sendable {
    /// From the start of one question for a replica's health to the next.
    package var pollInterval = Duration.milliseconds(250)
    /// How long a replica may take to answer it, and how long its answers may fail before whole answers are asked for
    /// elsewhere.
    package var healthLimit = Duration.seconds(1)
    /// A replica whose last answer is older takes new requests only if no other can.
    package var freshness = Duration.milliseconds(600)
    /// How long a stream's replica may send nothing at all.
    package var stallLimit = Duration.seconds(1)
    /// The pings that are asked of a replica; several fit into ``stallLimit``.
    package var upstreamPing = Duration.milliseconds(250)
    /// How long a client's stream may be silent, unless its request says otherwise.
    package var pingInterval = Duration.seconds(10)
    /// How long a stream that has begun waits for a replica that can go on with it.
    package var patience = Duration.seconds(30)
    /// From the first look for such a replica to the second; the time doubles with each, up to the longest.
    package var retryInterval = Duration.milliseconds(100)
    package var longestRetryInterval = Duration.seconds(1)
    /// How often streams are looked at.
    package var tick = Duration.milliseconds(50)
    /// Requests that are answered at once; more are refused.
    package var requestLimit = 1024
    /// Replicas that a request may lose one after the other without a token in between. A request that makes verifiers
    /// fail must not take all of them along.
    package var failureLimit = 3
    /// Replicas that a request may lose in all.
    package var failoverLimit = 16
    /// How many tokens more than the least loaded replica one may have outstanding that knows a request's beginning.
    package var affinitySlack = 4096
    /// Beginnings that are remembered.
    package var affinityLimit = 8192
    /// The tokens that a request is taken to generate if it does not say.
    package var assumedTokens = 256
    /// Bytes of an answer that is no stream, and of one event of a stream.
    package var answerLimit = 1 << 26
    /// Bytes of all answers that are no streams and are on their way.
    package var answerMemory = 1 << 28

    package init() {}
}
