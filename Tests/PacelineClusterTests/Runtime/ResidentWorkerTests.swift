import Logging
import NIOCore
import NIOEmbedded
import PacelineSimulation
import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("A worker in a verifier's own process")
struct ResidentWorkerTests {
    private struct LoadingFailed: Error {}

    private static func start(
        _ residents: [ResidentDrafters],
        token: String? = nil
    ) async throws -> VerifierServer {
        var configuration = VerifierConfiguration()
        configuration.link.token = token.map(LinkPair.token)
        // Drafts are late on a busy machine, and must then be asked for all the same.
        configuration.restsDrafting = false
        return try await VerifierServer.start(
            configuration,
            listen: Endpoint(host: "127.0.0.1", port: 0),
            residents: residents,
            logger: Logger(label: "verifier")
        ) { _ in
            LoadedTarget(engine: SlowTarget(passMicroseconds: 3_000), description: .mock())
        }
    }

    private static func drafters(_ kind: DrafterKind, name: String) -> ResidentDrafters {
        ResidentDrafters(WorkerConfiguration(name: name, fingerprint: nil)) { _ in MockDrafterSource(kind) }
    }

    @Test(
        "drafts as any worker does, beside one over a socket, and changes no token",
        arguments: [nil, "a secret of ours"]
    )
    func drafting(token: String?) async throws {
        let residents = [Self.drafters(.model(agreement: 0.9), name: "first"), Self.drafters(.ngram, name: "second")]
        let verifier = try await Self.start(residents, token: token)
        var worker: WorkerClient?
        if token == nil { worker = try await EndToEndTests.startWorker(0.7, of: verifier) }
        let expected = token == nil ? 3 : 2
        while try await verifier.snapshot().workers.count(where: \.isConnected) < expected {
            try await Task.sleep(for: .milliseconds(5))
        }
        for seed in 1...40 as ClosedRange<UInt64> {
            let request = GenerationRequest(
                prompt: [1, 2],
                sampling: SamplingParameters(seed: seed),
                maximumTokens: 100
            )
            let (tokens, _) = await EndToEndTests.collect(verifier.submit(request))
            #expect(tokens == MockText.plain(prompt: [1, 2], seed: seed, count: 100))
            // A busy machine may let all drafts of one text come too late.
            if try await verifier.snapshot().workers.first(where: { $0.name == "first" })?.acceptedTokens ?? 0 > 0 {
                break
            }
        }
        let workers = try await verifier.snapshot().workers
        #expect(Set(workers.map(\.name)).isSuperset(of: ["first", "second"]))
        let first = try #require(workers.first { $0.name == "first" })
        #expect(first.isConnected && first.acceptedTokens > 0)
        try await worker?.shutdown()
        try await verifier.shutdown()
    }

    @Test("keeps a verifier from starting if its drafters cannot be loaded")
    func loading() async throws {
        let broken = ResidentDrafters(WorkerConfiguration(name: "broken", fingerprint: nil)) { _ in
            throw LoadingFailed()
        }
        await #expect(throws: LoadingFailed.self) { try await Self.start([Self.drafters(.ngram, name: "a"), broken]) }
    }
}

@Suite("A link in memory")
struct MemoryLinkTests {
    /// Both ends of a link, with all that happened to them.
    private final class Ends {
        let loop = EmbeddedEventLoop()
        var events: [MemoryLink.Side: [String]] = [:]
        private(set) var link: MemoryLink?

        init() {
            link = MemoryLink(
                on: loop,
                verifier: { [unowned self] in note($0, .verifier) },
                worker: { [unowned self] in note($0, .worker) }
            )
        }

        func perform(_ action: LinkAction, of side: MemoryLink.Side) {
            link?.perform(action, of: side)
        }

        private func note(_ event: LinkEvent, _ side: MemoryLink.Side) {
            let text =
                switch event {
                case .received(let bytes): String(buffer: bytes)
                case .flushed(let count): "\(count) left"
                case .disconnected(let reason): reason ?? "end"
                default: "\(event)"
                }
            events[side, default: []].append(text)
        }
    }

    @Test("carries bytes in order, tells when they have arrived, and ends after the last of them")
    func order() {
        let ends = Ends()
        ends.perform(.write(ByteBuffer(string: "ab")), of: .worker)
        ends.perform(.write(ByteBuffer(string: "c")), of: .worker)
        ends.perform(.write(ByteBuffer(string: "xy")), of: .verifier)
        #expect(ends.events.isEmpty)
        ends.loop.run()
        #expect(ends.events == [.verifier: ["abc", "2 left"], .worker: ["3 left", "xy"]])
        ends.perform(.write(ByteBuffer(string: "last")), of: .verifier)
        ends.perform(.close, of: .verifier)
        ends.perform(.write(ByteBuffer(string: "lost")), of: .worker)
        ends.loop.run()
        #expect(ends.events == [.verifier: ["abc", "2 left"], .worker: ["3 left", "xy", "last", "end"]])
    }

    @Test("holds bytes back while their receiver does not read, and does not count them as gone")
    func pause() {
        let ends = Ends()
        ends.perform(.pauseReading, of: .worker)
        ends.perform(.write(ByteBuffer(string: "a")), of: .verifier)
        ends.loop.run()
        #expect(ends.events.isEmpty)
        ends.perform(.resumeReading, of: .worker)
        ends.loop.run()
        #expect(ends.events == [.worker: ["a"], .verifier: ["1 left"]])
    }
}
