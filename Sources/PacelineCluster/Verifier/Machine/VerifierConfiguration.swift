package import PacelineSpeculation
package import PacelineWire

/// What an operator decides about a verifier.
package struct VerifierConfiguration: Sendable {
    /// For people.
    package var name = "verifier"
    /// Requests that run at once.
    package var slots = 8
    /// Requests that may wait for a slot, in all and of one tenant.
    package var queueLimit = 256
    package var queueLimitPerTenant = 128
    /// Whether requests of different tenants share what was computed for equal beginnings. Who can measure time can
    /// then find out what others asked.
    package var sharesPrefixesBetweenTenants = false
    /// Rows of one pass that may go to prompts.
    package var prefillRows = 128
    /// How long the prompts in a pass may delay the tokens of sequences that have read theirs. A pass takes at least
    /// ``prefillRowsAtLeast`` rows of prompts in any case. The longer, the sooner sequences that start together decode
    /// together, which costs little more than one of them alone.
    package var prefillDelay = Duration.milliseconds(250)
    package var prefillRowsAtLeast = 8
    /// The longest that a pass waits for drafts.
    package var maximumWait = Duration.milliseconds(35)
    /// How long drafts may delay a token beyond a plain pass, by the wait for them and by the larger pass together; nil
    /// for a limit that grows with the plain pass. See ``delayLimit(plainMilliseconds:)``.
    package var delayLimit: Duration?
    /// Whether a pass waits until its workers have nothing more to say, at most `maximumWait`, instead of starting when
    /// waiting no longer pays. This is stop-and-wait speculation, for comparisons; a worker's fault then costs time.
    package var waitsForWorkers = false
    /// Whether drafting rests when it is measured to be slower than plain decoding, and a worker when its drafts are
    /// never accepted. Without it every worker drafts all the time, whatever it costs.
    package var restsDrafting = true
    /// Bounds on one worker's tree; `nodes` is also the most credit that a worker is given.
    package var draft = DraftLimits(nodes: 256, depth: 32, width: 4)
    /// What a pass may cost for the sake of speculation.
    package var planning = PlanningPolicy()
    /// Workers that may be connected at once.
    package var workerLimit = 256
    /// Workers that may draft for one sequence at once, at most ``MergedTree/workerLimit``.
    package var workersPerSequence = 16
    /// Connections that have not finished their handshake.
    package var pendingLimit = 64
    /// Connections of one host.
    package var connectionsPerHost = 128
    /// How long a pass may make no progress before the process counts as hung, and is best started anew. Links are more
    /// impatient: their peers have others to turn to.
    package var hangLimit = Duration.seconds(30)
    /// Requests whose rounds are remembered for a while after their end; 0 records no rounds unless somebody watches.
    package var traceLimit = 32
    package var link = LinkConfiguration()

    package init() {}
}

extension VerifierConfiguration {
    /// The automatic limit of delay: so many plain passes, but at least so many milliseconds.
    ///
    /// Part of a limit stays in reserve for passes that take longer than expected, so a planned pass takes at most 2.75
    /// times as long as a plain one: the aim is 99 of 100 tokens within three plain passes. With a fixed 50 ms, a pass
    /// of 44 ms had room for three nodes where a grammar forced ten.
    private static let delayPasses = 2.5
    private static let leastDelay = 50.0

    /// The milliseconds by which drafts may delay the tokens of a pass that would take so long without any. At least
    /// ``maximumWait``.
    package func delayLimit(plainMilliseconds plain: Double) -> Double {
        let limit = delayLimit?.inMilliseconds ?? max(Self.leastDelay, Self.delayPasses * plain)
        return max(limit, maximumWait.inMilliseconds)
    }
}
