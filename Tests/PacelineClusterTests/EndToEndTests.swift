import Logging
import PacelineCluster
import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@Suite("A verifier and its workers over loopback sockets")
struct EndToEndTests {
    static func startVerifier(
        _ configuration: VerifierConfiguration = VerifierConfiguration(),
        logger: Logger = Logger(label: "verifier")
    ) async throws -> VerifierServer {
        try await VerifierServer.start(
            configuration,
            listen: Endpoint(host: "127.0.0.1", port: 0),
            logger: logger
        ) { _ in
            LoadedTarget(engine: MockTarget(), description: .mock())
        }
    }

    static func startWorker(_ agreement: Double, of verifier: VerifierServer) async throws -> WorkerClient {
        let fingerprint = MockText.fingerprint(of: "mock drafter")
        return try await WorkerClient.start(
            WorkerConfiguration(name: "worker", fingerprint: fingerprint),
            verifiers: [verifier.endpoint],
            logger: Logger(label: "worker")
        ) { _ in
            MockDrafterSource(.model(agreement: agreement))
        }
    }

    static func collect(_ handle: RequestHandle) async -> ([Token], RequestSummary?) {
        var tokens: [Token] = []
        for await event in handle.events {
            switch event {
            case .prompt: Issue.record("nobody asked for the prompt's log-probabilities")
            case .tokens(let more): tokens += more.tokens
            case .finished(let summary): return (tokens, summary)
            case .failed(let fault):
                Issue.record(fault)
                return (tokens, nil)
            }
        }
        return (tokens, nil)
    }

    @Test("emit the tokens of plain decoding, with as many workers as there are", arguments: [0, 1, 3])
    func identity(workers: Int) async throws {
        let verifier = try await Self.startVerifier()
        var clients: [WorkerClient] = []
        for _ in 0..<workers {
            clients.append(try await Self.startWorker(0.8, of: verifier))
        }
        while try await verifier.snapshot().workers.count < workers {
            try await Task.sleep(for: .milliseconds(5))
        }
        let prompt: [Token] = [1, 2, 3]
        let handle = verifier.submit(
            GenerationRequest(prompt: prompt, sampling: SamplingParameters(seed: 5), maximumTokens: 200)
        )
        let (tokens, summary) = await Self.collect(handle)
        #expect(tokens == MockText.plain(prompt: prompt, seed: 5, count: 200))
        #expect(summary?.reason == .length)
        #expect(summary?.completionTokens == 200)
        for client in clients { try await client.shutdown() }
        try await verifier.shutdown()
    }
}
