import Logging
import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A verifier process", .timeLimit(.minutes(2)))
struct ServerTests {
    private static func request(_ tokens: Int = 100_000) -> GenerationRequest {
        GenerationRequest(prompt: [1], sampling: SamplingParameters(seed: 2), maximumTokens: tokens)
    }

    private static func start(listen: Endpoint, passMicroseconds: UInt32 = 0) async throws -> VerifierServer {
        try await VerifierServer.start(VerifierConfiguration(), listen: listen, logger: Logger(label: "test")) { _ in
            LoadedTarget(engine: SlowTarget(passMicroseconds: passMicroseconds), description: .mock())
        }
    }

    @Test("does not listen where other machines can reach it", arguments: ["0.0.0.0", "::"])
    func loopbackOnly(host: String) async throws {
        await #expect(throws: ShellError.openLink(address: "\(Endpoint(host: host, port: 0))")) {
            try await Self.start(listen: Endpoint(host: host, port: 0))
        }
    }

    @Test("says so when its port is taken")
    func portInUse() async throws {
        let first = try await Self.start(listen: Endpoint(host: "127.0.0.1", port: 0))
        await #expect(throws: ShellError.addressInUse(address: "\(first.endpoint)")) {
            try await Self.start(listen: first.endpoint)
        }
        try await first.shutdown()
    }

    @Test("hands on why its target could not be loaded")
    func loadFailure() async throws {
        await #expect(throws: MockTarget.Misuse.self) {
            try await VerifierServer.start(
                VerifierConfiguration(),
                listen: Endpoint(host: "127.0.0.1", port: 0),
                logger: Logger(label: "test")
            ) { _ in
                throw MockTarget.Misuse("no such file")
            }
        }
    }

    @Test("ends a running request when it is shut down, and refuses the next")
    func shutdown() async throws {
        // Slow enough that the request still runs when a busy machine comes to shutting down.
        let endpoint = Endpoint(host: "127.0.0.1", port: 0)
        let verifier = try await Self.start(listen: endpoint, passMicroseconds: 5000)
        let handle = verifier.submit(Self.request())
        var events = handle.events.makeAsyncIterator()
        _ = await events.next()
        try await verifier.shutdown()
        var last: RequestEvent?
        while let event = await events.next() { last = event }
        guard case .failed(.draining) = last else {
            Issue.record("the request ended with \(String(describing: last))")
            return
        }
        guard case .failed(.draining) = await verifier.submit(Self.request()).events.first(where: { _ in true }) else {
            Issue.record("a request was taken after the end")
            return
        }
    }

    @Test("drains: running requests finish, new ones are refused")
    func drain() async throws {
        let verifier = try await Self.start(listen: Endpoint(host: "127.0.0.1", port: 0))
        let running = verifier.submit(Self.request(500))
        var events = running.events.makeAsyncIterator()
        _ = await events.next()
        async let drained: Void = verifier.drain(grace: .seconds(60))
        var last: RequestEvent?
        while let event = await events.next() { last = event }
        guard case .finished(let summary) = last else {
            Issue.record("the request ended with \(String(describing: last))")
            return
        }
        #expect(summary.completionTokens == 500)
        try await drained
        guard case .failed(.draining) = await verifier.submit(Self.request()).events.first(where: { _ in true }) else {
            Issue.record("a request was taken while draining")
            return
        }
        try await verifier.shutdown()
    }

    @Test("cancels a request on demand, and when its client lets go of it")
    func cancel() async throws {
        let verifier = try await Self.start(listen: Endpoint(host: "127.0.0.1", port: 0))
        let handle = verifier.submit(Self.request())
        handle.cancel()
        var last: RequestEvent?
        for await event in handle.events { last = event }
        guard case .finished(let summary) = last else {
            Issue.record("the request ended with \(String(describing: last))")
            return
        }
        #expect(summary.reason == .cancelled)
        _ = verifier.submit(Self.request())
        while try await verifier.snapshot().running > 0 {
            try await Task.sleep(for: .milliseconds(2))
        }
        try await verifier.shutdown()
    }

    @Test("serves the others while one client takes nothing")
    func slowClient() async throws {
        let verifier = try await Self.start(listen: Endpoint(host: "127.0.0.1", port: 0))
        let slow = verifier.submit(Self.request(3000))
        var other = Self.request(200)
        other.sampling.seed = 3
        let (tokens, _) = await EndToEndTests.collect(verifier.submit(other))
        #expect(tokens == MockText.plain(prompt: [1], seed: 3, count: 200))
        let (late, _) = await EndToEndTests.collect(slow)
        #expect(late == MockText.plain(prompt: [1], seed: 2, count: 3000))
        try await verifier.shutdown()
    }
}

@Suite("A request's events")
struct RequestEventsTests {
    @Test("join what a client has not taken, in order, between the prompt's and the end")
    func joins() async {
        let events = RequestEvents()
        let scores = (1...3).map { TokenLogProbability(token: $0, logProbability: -Float($0), top: []) }
        _ = events.buffer.push(.prompt([]))
        _ = events.buffer.push(
            .tokens(GeneratedTokens([1, 2], text: "a", logProbabilities: Array(scores.prefix(2))))
        )
        _ = events.buffer.push(.tokens(GeneratedTokens([3], text: "b", logProbabilities: [scores[2]])))
        _ = events.buffer.push(.failed(.draining))
        var iterator = events.makeAsyncIterator()
        guard case .prompt([]) = await iterator.next() else {
            Issue.record("the prompt's log-probabilities do not come first")
            return
        }
        guard case .tokens(GeneratedTokens([1, 2, 3], text: "ab", logProbabilities: scores)) = await iterator.next()
        else {
            Issue.record("the tokens were not joined")
            return
        }
        guard case .failed(.draining) = await iterator.next() else {
            Issue.record("the end is missing")
            return
        }
        #expect(await iterator.next() == nil)
        #expect(await iterator.next() == nil)
    }

    @Test("tell when a client leaves too many tokens lying")
    func overflow() {
        let events = RequestEvents()
        let half = [Token](repeating: 1, count: RequestEvents.limit / 2)
        #expect(events.buffer.push(.tokens(GeneratedTokens(half, text: ""))))
        #expect(events.buffer.push(.tokens(GeneratedTokens(half, text: ""))))
        #expect(!events.buffer.push(.tokens(GeneratedTokens([1], text: ""))))
    }

    @Test("end for a task that is cancelled while it waits")
    func cancellation() async {
        let events = RequestEvents()
        let task = Task {
            for await _ in events {}
        }
        task.cancel()
        await task.value
    }
}
