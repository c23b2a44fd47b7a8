import ArgumentParser
import Foundation

/// The key that a client sends to a server.
struct APIKeyOption: ParsableArguments {
    @Option(
        name: .customLong("api-key"),
        help: ArgumentHelp(
            "The server's API key (default: OPENAI_API_KEY). Other users of this machine can see an option.",
            valueName: "key"
        )
    )
    var option: String?

    /// Nil for a server without keys.
    var key: String? { option ?? ProcessInfo.processInfo.environment["OPENAI_API_KEY"] }
}
