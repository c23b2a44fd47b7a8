import ArgumentParser
import PacelineCluster

/// `asynchronous` or `stop-and-wait` on the command line.
extension DraftingMode: ExpressibleByArgument {}

/// Which requests run, which wait, and what the tokens of one may wait for.
struct SchedulingOptions: ParsableArguments {
    @Option(
        name: [.customLong("np", withSingleDash: true), .customLong("slots")],
        parsing: .unconditional,
        help: ArgumentHelp("Requests to run at once, 1 to 256; others wait.", valueName: "slots")
    )
    var slots = 4

    @Option(
        name: .customLong("queue-limit"),
        help: ArgumentHelp("Requests that may wait for a slot, 0 to 1048576; more are refused.", valueName: "requests")
    )
    var queueLimit = VerifierConfiguration().queueLimit

    @Option(
        name: .customLong("queue-limit-per-key"),
        help: ArgumentHelp(
            "Requests of one API key that may wait for a slot, 0 to 1048576; more are refused.",
            valueName: "requests"
        )
    )
    var queueLimitPerKey = VerifierConfiguration().queueLimitPerTenant

    @Option(
        name: .customLong("prefill-delay"),
        help: ArgumentHelp(
            """
            How much later the tokens of running requests may come because prompts are read beside them, 0 to 10s. \
            Less makes streams even; more starts new ones sooner and gives more tokens in all.
            """,
            valueName: "duration"
        )
    )
    var prefillDelay = DurationArgument(VerifierConfiguration().prefillDelay)

    @Option(
        help: ArgumentHelp(
            "asynchronous: workers draft on while a pass runs. stop-and-wait: the classic protocol, for comparisons.",
            valueName: "mode"
        )
    )
    var drafting = DraftingMode.asynchronous

    @Option(
        help: ArgumentHelp(
            "Longest time that a pass may wait for drafts, 0 to 10s.",
            valueName: "duration"
        )
    )
    var draftWait = DurationArgument(VerifierConfiguration().maximumWait)

    @Option(
        help: ArgumentHelp(
            """
            How much later than a plain pass a token may come because of drafts, 0 to 10s: the wait for them plus \
            their verification (default: two and a half plain passes, at least 50ms).
            """,
            valueName: "duration"
        )
    )
    var draftDelay: DurationArgument?

    @Flag(
        name: .customLong("always-draft"),
        help: "Let every worker draft all the time, even where drafting was measured to be slower than plain decoding."
    )
    var alwaysDraft = false

    @Flag(
        name: .customLong("share-prefixes-between-keys"),
        help: "Let a request use what one with another API key left in the cache; its timing then tells of the other."
    )
    var sharesPrefixes = false

    func validate() throws {
        try validateRange(slots, 1...256, "--slots")
        try validateRange(queueLimit, 0...(1 << 20), "--queue-limit")
        try validateRange(queueLimitPerKey, 0...(1 << 20), "--queue-limit-per-key")
        let durations = DurationArgument(.zero)...DurationArgument(.seconds(10))
        try validateRange(prefillDelay, durations, "--prefill-delay")
        try validateRange(draftWait, durations, "--draft-wait")
        try validateRange(draftDelay, durations, "--draft-delay")
    }

    func apply(to configuration: inout VerifierConfiguration) {
        configuration.slots = slots
        configuration.queueLimit = queueLimit
        configuration.queueLimitPerTenant = queueLimitPerKey
        configuration.prefillDelay = prefillDelay.duration
        configuration.sharesPrefixesBetweenTenants = sharesPrefixes
        configuration.adopt(drafting)
        configuration.maximumWait = draftWait.duration
        configuration.delayLimit = draftDelay?.duration
        configuration.restsDrafting = !alwaysDraft && !configuration.waitsForWorkers
    }
}
