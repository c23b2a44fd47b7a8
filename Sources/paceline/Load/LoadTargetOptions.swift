import ArgumentParser

/// Which server a load test asks.
struct LoadTargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Address of any server with OpenAI's API, with or without /v1.", valueName: "url"))
    var url = "http://127.0.0.1:8080"

    @Option(help: ArgumentHelp("Model to ask for (default: the first that the server lists).", valueName: "name"))
    var model: String?

    @Flag(help: "Ask /v1/chat/completions instead of /v1/completions.")
    var chat = false

    @OptionGroup var apiKey: APIKeyOption

    @Option(
        help: ArgumentHelp(
            "How long an answer may take, from the time when its request was due, 1ms to 3600s.",
            valueName: "duration"
        )
    )
    var timeout = DurationArgument(.seconds(600))

    func validate() throws {
        try validateRange(timeout, DurationArgument(.milliseconds(1))...DurationArgument(.seconds(3600)), "--timeout")
        _ = try target()
    }

    func target() throws -> LoadTarget {
        try LoadTarget(url: url, api: chat ? .chat : .completions, key: apiKey.key)
    }
}
