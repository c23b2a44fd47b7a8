import Foundation
import FoundationNetworking
import Glibc
import PacelineCluster
import PacelineServer
import PacelineSpeculation
import Synchronization

/// A verifier process, and workers that a test can start and kill.
final class TestCluster: Sendable {
    let verifier: TestProcess
    /// Where workers connect.
    let drafts: Endpoint
    let client: ServerClient

    /// Starts a verifier and waits until it is ready.
    convenience init(_ model: String, _ options: String...) async throws {
        try await self.init(model, options: options)
    }

    init(_ model: String, options: [String]) async throws {
        verifier = try TestProcess(
            ["verifier", "-m", model, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--announce"]
                + ["--exit-with-parent"] + options
        )
        let ready = try await verifier.waitForOutput { try Self.ready(in: $0) }
        drafts = try Endpoint(ready.drafts)
        client = ServerClient(address: try Endpoint(ready.http))
    }

    private struct Ready: Decodable {
        var event: String
        var drafts: String
        var http: String
    }

    private static func ready(in output: String) throws -> Ready? {
        guard let line = output.split(separator: "\n").first(where: { $0.contains(#""event":"ready""#) }) else {
            return nil
        }
        return try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
    }

    /// Starts a worker that hosts `drafters`, without waiting for it.
    func startWorker(
        _ drafters: [String],
        _ options: [String] = [],
        environment: [String: String] = [:]
    ) throws -> TestProcess {
        let hosted = drafters.flatMap { ["-md", $0] }
        return try TestProcess(
            ["worker", "--connect", "\(drafts)", "--exit-with-parent", "-t", "1"] + hosted + options,
            environment: environment
        )
    }

    /// Waits until exactly `count` workers are connected.
    func waitForWorkers(_ count: Int) async throws {
        while try await client.workers().count != count { try await Task.sleep(for: .milliseconds(10)) }
    }

    /// Whether the verifier reports that it accepts requests.
    func isReady() async throws -> Bool {
        guard let url = URL(string: "http://\(client.address)/ready") else { return false }
        let (_, response) = try await URLSession.shared.data(from: url)
        return (response as? HTTPURLResponse)?.statusCode == 200
    }

    /// Generates a text; `atToken` is called once, when that many tokens have arrived.
    func generate(
        _ request: CompletionRequest,
        atToken: Int = .max,
        do action: () async throws -> Void = {}
    ) async throws -> Outcome {
        var outcome = Outcome()
        var isDone = false
        try await client.stream(request) { chunk in
            outcome.take(chunk)
            guard outcome.tokens.count >= atToken, !isDone else { return }
            isDone = true
            try await action()
        }
        return outcome
    }

    /// The tokens and figures of a generation.
    struct Outcome {
        var tokens: [Token] = []
        var text = ""
        var final: Completion?

        mutating func take(_ chunk: Completion) {
            tokens += chunk.choices.flatMap(\.tokens)
            text += chunk.choices.map(\.text).joined()
            if chunk.usage != nil { final = chunk }
        }

        var draftedTokens: Int { final?.specDecode?.numDraftTokens ?? 0 }
        var acceptedTokens: Int { final?.specDecode?.numAcceptedTokens ?? 0 }
    }
}

extension CompletionRequest {
    /// Greedy, and continuing past the end of the text, so that every run has the same number of tokens.
    static func greedy(_ prompt: String, tokens: Int) -> CompletionRequest {
        var request = CompletionRequest(prompt: .text(prompt))
        request.maxTokens = tokens
        request.temperature = 0
        request.ignoreEOS = true
        return request
    }

    /// With temperature 0.8 and top-p 0.95.
    static func sampled(_ prompt: String, tokens: Int, seed: UInt64) -> CompletionRequest {
        var request = greedy(prompt, tokens: tokens)
        request.temperature = 0.8
        request.topP = 0.95
        request.seed = RequestedSeed(seed)
        return request
    }
}
