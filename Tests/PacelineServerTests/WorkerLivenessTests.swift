import Dispatch
import Logging
import NIOPosix
import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineSimulation
import PacelineSpeculation
import Synchronization
import Testing

@Suite("A worker's probe of life", .timeLimit(.minutes(2)))
struct WorkerLivenessTests {
    @Test("fails while a draft step hangs, and only then")
    func hang() async throws {
        let brake = Brake()
        let verifier = try await Self.verifier()
        let worker = try await Self.worker(of: verifier.endpoint, brake)
        let port = WorkerPort(drafter: "mock")
        port.begin(worker)
        try await HTTPServer(port.routes, logger: Self.quiet).serve(
            on: Endpoint(host: "127.0.0.1", port: 0),
            group: MultiThreadedEventLoopGroup.singleton
        ) { address in
            @Sendable func answer(_ path: String) async throws -> String {
                try await RawClient(address).exchange(RawClient.get(path, headers: ["connection: close"]))
            }
            while try await verifier.snapshot().workers.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await answer("/livez").hasPrefix("HTTP/1.1 200 "))
            let sampling = SamplingParameters(seed: 2)
            let request = GenerationRequest(prompt: [1, 2], sampling: sampling, maximumTokens: 5000)
            let handle = verifier.submit(request)
            while !brake.holds { try await Task.sleep(for: .milliseconds(5)) }
            while try await !answer("/livez").hasPrefix("HTTP/1.1 503 ") { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await answer("/livez").contains(#""code":"stuck""#))
            // Nobody waits for the worker meanwhile.
            var ending: RequestSummary?
            for await event in handle.events { if case .finished(let summary) = event { ending = summary } }
            #expect(ending?.reason == .length && brake.holds)
            brake.release()
            while try await !answer("/livez").hasPrefix("HTTP/1.1 200 ") { try await Task.sleep(for: .milliseconds(5)) }
            try await worker.shutdown()
            try await verifier.shutdown()
        }
    }

    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func verifier() async throws -> VerifierServer {
        let endpoint = Endpoint(host: "127.0.0.1", port: 0)
        return try await VerifierServer.start(VerifierConfiguration(), listen: endpoint, logger: quiet) { _ in
            let description = TargetDescription(
                fingerprint: MockText.fingerprint(of: "mock"),
                contextLength: 1 << 16,
                cacheCapacity: 1 << 17
            )
            return LoadedTarget(engine: MockTarget(), description: description)
        }
    }

    private static func worker(of verifier: Endpoint, _ brake: Brake) async throws -> WorkerClient {
        var configuration = WorkerConfiguration(name: "mock", fingerprint: MockText.fingerprint(of: "mock"))
        configuration.hangLimit = .milliseconds(200)
        return try await WorkerClient.start(configuration, verifiers: [verifier], logger: quiet) { _ in
            BrakedSource(MockDrafterSource(.model(agreement: 0.8)), brake)
        }
    }
}

/// Holds a draft step until it is released, which it is for good.
private final class Brake: Sendable {
    private let state = Mutex((holds: false, isReleased: false))
    private let released = DispatchSemaphore(value: 0)

    /// Whether a step is held.
    var holds: Bool { state.withLock { $0.holds } }

    func pass() {
        let isReleased = state.withLock { state in
            state.holds = !state.isReleased
            return state.isReleased
        }
        if !isReleased { released.wait() }
    }

    func release() {
        state.withLock { $0 = (false, true) }
        released.signal()
    }
}

private final class BrakedSource: DrafterSource {
    private let source: MockDrafterSource
    private let brake: Brake

    init(_ source: MockDrafterSource, _ brake: Brake) {
        (self.source, self.brake) = (source, brake)
    }

    func makeDrafters() -> [any Drafter] {
        source.makeDrafters().map { BrakedDrafter($0, brake) }
    }
}

private struct BrakedDrafter: Drafter {
    private var drafter: any Drafter
    private let brake: Brake

    init(_ drafter: any Drafter, _ brake: Brake) {
        (self.drafter, self.brake) = (drafter, brake)
    }

    var isModelFree: Bool { drafter.isModelFree }

    mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        try drafter.begin(base: base, sampling: sampling)
    }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        brake.pass()
        return try drafter.expand(tree, at: nodes, width: width)
    }

    mutating func advance(_ rerooting: Rerooting) throws {
        try drafter.advance(rerooting)
    }
}
