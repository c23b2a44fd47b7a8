import ArgumentParser
import Foundation

/// Which server a load test asks.
struct LoadTargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Address of any server with OpenAI's API, with or without /v1.", valueName: "url"))
    var url = "http://127.0.0.1:8080"

    @Option(help: ArgumentHelp("Model to ask for (default: the first that the server lists).", valueName: "name"))
    var model: String?

    @Flag(help: "Ask /v1/chat/completions instead of /v1/completions.")
    var chat = false

    @Option(
        name: .customLong("api-key"),
        help: ArgumentHelp(
            "The key to send (default: OPENAI_API_KEY). Other users of this machine can see an option.",
            valueName: "key"
        )
    )
    var apiKey: String?

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
        let key = apiKey ?? ProcessInfo.processInfo.environment["OPENAI_API_KEY"]
        return try LoadTarget(url: url, api: chat ? .chat : .completions, key: key)
    }
}
