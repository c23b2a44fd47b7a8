import PacelineSpeculation
import Testing

/// The output of `generate --json` with the documented names. With the program's own types, a test would not notice
/// that a name changed.
struct GenerateOutput: Decodable {
    struct Usage: Decodable, Equatable {
        var prompt_tokens: Int
        var completion_tokens: Int
    }

    struct Timings: Decodable {
        var load_ms: Double
        var prompt_ms: Double
        var predicted_ms: Double
        var predicted_per_second: Double
        var draft_n: Int
        var draft_n_accepted: Int
    }

    struct Speculation: Decodable {
        var num_rounds: Int
        var num_drafts: Int
        var num_draft_tokens: Int
        var num_accepted_tokens: Int
        var mean_acceptance_length: Double
        var draft_acceptance_rate: Double
    }

    struct Worker: Decodable {
        var id: String
        var drafter: String
        var num_draft_tokens: Int
        var num_accepted_tokens: Int
    }

    var text: String
    var tokens: [Token]
    var finish_reason: String
    var usage: Usage
    var timings: Timings
    var spec_decode: Speculation
    var workers: [Worker]

    /// Runs `paceline generate --json`.
    static func of(_ arguments: String...) async throws -> GenerateOutput {
        try await of(arguments)
    }

    /// Runs `paceline generate --json`.
    static func of(_ arguments: [String]) async throws -> GenerateOutput {
        try await CommandResult.json(GenerateOutput.self, of: ["generate", "--json"] + arguments)
    }
}
