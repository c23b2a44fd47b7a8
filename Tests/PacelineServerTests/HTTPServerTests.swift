import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineSpeculation
import Synchronization
import Testing

@testable import PacelineServer

@Suite("The HTTP server over real sockets", .timeLimit(.minutes(1)))
struct HTTPServerTests {
    private static let prompt = #"{"prompt": [1, 2], "max_tokens": 3, "seed": 4, \#(extras)}"#
    private static let extras = #""temperature": 0, "return_token_ids": true, "return_spec_decode": true"#
    private static let streamed = #"{"prompt": [1, 2], "stream": true}"#

    @Test("A whole completion carries text, tokens, reason, usage, timings, figures and workers")
    func whole() async throws {
        let backend = ScriptedBackend.hello
        try await ServerHarness.run(backend) { address in
            let answer = try await RawClient(address).exchange(RawClient.post("/v1/completions", Self.prompt))
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let json = try #require(answer.split(separator: "\r\n\r\n").last)
            let completion = try JSON.decode(Completion.self, from: ByteBuffer(string: String(json)))
            #expect(completion.model == "tiny" && completion.seed == 4)
            #expect(completion.choices == [.init(text: "hello", tokens: [5, 6, 7], finishReason: .length)])
            #expect(completion.usage == TokenUsage(promptTokens: 2, completionTokens: 3, totalTokens: 5))
            #expect(completion.timings?.predictedPerSecond == 500)
            #expect(
                completion.specDecode
                    == SpeculationFigures(numRounds: 2, numDrafts: 1, numDraftTokens: 4, numAcceptedTokens: 1)
            )
            #expect(completion.specDecode?.meanAcceptanceLength == 2)
            #expect(completion.workers?.map(\.drafter) == ["ngram"])
            #expect(completion.workers?.map(\.numDraftTokens) == [4], "counted for this request alone")
        }
        #expect(backend.requests.map(\.prompt) == [[1, 2]])
        #expect(backend.requests.first?.maximumTokens == 3)
        #expect(backend.requests.first?.sampling.seed == 4)
        #expect(backend.requests.first?.stopTokens.isEmpty == false)
    }

    @Test("A stream's chunks add up to the whole, and the last one carries the figures")
    func stream() async throws {
        try await ServerHarness.run(.hello) { address in
            let chunks = Mutex<[Completion]>([])
            let client = ServerClient(address: address)
            try await client.stream(CompletionRequest(prompt: .text("x"))) { chunk in
                chunks.withLock { $0.append(chunk) }
            }
            let all = chunks.withLock { $0 }
            #expect(all.flatMap(\.choices).map(\.text).joined() == "hello")
            #expect(all.flatMap(\.choices).flatMap { $0.tokens ?? [] } == [5, 6, 7])
            #expect(all.dropLast().allSatisfy { $0.usage == nil })
            #expect(all.last?.usage?.totalTokens == 5)
            #expect(Set(all.map(\.id)).count == 1)
        }
    }

    @Test("Health and what is generated name the generation of the model; an error does not")
    func generation() async throws {
        let generation = try TestModel.served(contextLength: 2048).generation
        try await ServerHarness.run(.hello) { address in
            func head(_ request: String) async throws -> Substring {
                let answer = try await RawClient(address).exchange(request)
                return answer.split(separator: "\r\n\r\n", maxSplits: 1).first ?? ""
            }
            let requests = [
                RawClient.get("/health"), RawClient.post("/v1/completions", Self.prompt),
                RawClient.post("/v1/completions", Self.streamed),
            ]
            for request in requests {
                let head = try await head(request)
                #expect(head.hasPrefix("HTTP/1.1 200 OK"))
                #expect(head.split(separator: "\r\n").contains("paceline-generation: \(generation)"), "\(head)")
            }
            // Two verifiers of one generation are still two.
            var lives: Set<Substring?> = []
            for path in ["/health", "/ping", "/v1/health"] {
                let lines = try await head(RawClient.get(path)).split(separator: "\r\n")
                lives.insert(lines.first { $0.hasPrefix("paceline-incarnation: ") })
            }
            #expect(lives.count == 1 && !lives.contains(nil))
            #expect(
                ServerLifecycle(metrics: ServerMetrics(modelName: "a")).incarnation
                    != ServerLifecycle(metrics: ServerMetrics(modelName: "a")).incarnation
            )
            let refused = try await head(RawClient.post("/v1/completions", "{}"))
            #expect(refused.hasPrefix("HTTP/1.1 400") && !refused.contains("paceline-generation"))
        }
    }

    @Test("The head of what is generated names the seed, drawn or given, which each prompt's first choice has")
    func seed() async throws {
        let backend = ScriptedBackend.hello
        try await ServerHarness.run(backend) { address in
            for stream in ["", #", "stream": true"#] {
                for seed in ["", #", "seed": -1"#, #", "seed": -2"#, #", "seed": 18446744073709551615"#] {
                    let before = backend.requests.count
                    let body = #"{"prompt": ["a", "b"], "n": 2\#(seed)\#(stream)}"#
                    let answer = try await RawClient(address).exchange(RawClient.post("/v1/completions", body))
                    let lines = try #require(answer.split(separator: "\r\n\r\n").first).split(separator: "\r\n")
                    let named = try #require(lines.first { $0.hasPrefix("paceline-seed: ") }).dropFirst(15)
                    let first = try #require(UInt64(named))
                    let used = backend.requests.dropFirst(before).map(\.sampling.seed)
                    #expect(used == [first, first &+ 1, first, first &+ 1])
                    #expect(answer.contains("\"seed\":\(first)"), "the body says the same")
                    if seed.contains("-2") { #expect(first == UInt64.max - 1) }
                }
            }
            let refused = try await RawClient(address).exchange(RawClient.post("/v1/completions", "{}"))
            #expect(!refused.contains("paceline-seed"))
        }
    }

    @Test("Text arrives while it is generated, and hanging up cancels the request")
    func hangUp() async throws {
        let backend = ScriptedBackend([.event(.tokens(GeneratedTokens([5], text: "first"))), .hold])
        try await ServerHarness.run(backend) { address in
            let request = RawClient.post("/v1/completions", Self.streamed)
            _ = try await RawClient(address).exchange(request, until: "first")
            #expect(await backend.ending() == .cancelled)
        }
    }

    @Test("A client that does not read is disconnected; its request is cancelled and no memory piles up")
    func slowReader() async throws {
        let text = String(repeating: "x", count: 1 << 16)
        let steps = Array(repeating: ScriptedBackend.Step.event(.tokens(GeneratedTokens([5], text: text))), count: 4096)
        let backend = ScriptedBackend(steps)
        var configuration = HTTPServerConfiguration()
        configuration.writeTimeout = .milliseconds(200)
        try await ServerHarness.run(backend, configuration: configuration) { address in
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    try? await RawClient(address, receiveBuffer: 4096)
                        .sendAndStall(RawClient.post("/v1/completions", Self.streamed))
                }
                #expect(await backend.ending() == .cancelled)
                group.cancelAll()
            }
        }
    }

    @Test(
        "A refusal keeps its status, streamed or not",
        arguments: [
            (RequestFault.overloaded(running: 4, waiting: 64), "HTTP/1.1 429 ", "Retry-After: 1\r\n"),
            (.draining, "HTTP/1.1 503 ", "Retry-After: 2\r\n"),
            (.promptTooLong(tokens: 9, context: 8), "HTTP/1.1 400 ", "shorten it"),
            (.engine("broken"), "HTTP/1.1 500 ", "broken"),
        ],
        [streamed, prompt]
    )
    func refusal(expected: (fault: RequestFault, status: String, words: String), body: String) async throws {
        try await ServerHarness.run(ScriptedBackend([.event(.failed(expected.fault))])) { address in
            let answer = try await RawClient(address).exchange(RawClient.post("/v1/completions", body))
            #expect(answer.hasPrefix(expected.status))
            #expect(answer.contains(expected.words))
            for key in ["message", "type", "param", "code"] { #expect(answer.contains("\"\(key)\":"), "\(answer)") }
        }
    }

    @Test("A fault after the first token ends the stream with an error")
    func lateFault() async throws {
        let backend = ScriptedBackend([
            .event(.tokens(GeneratedTokens([5], text: "a"))), .event(.failed(.engine("broken"))),
        ])
        try await ServerHarness.run(backend) { address in
            let client = ServerClient(address: address)
            let error = await #expect(throws: ServerClientError.self) {
                try await client.stream(CompletionRequest(prompt: .tokens([1]))) { _ in }
            }
            #expect(error == .failed(message: "the engine failed: broken"))
        }
    }

    @Test("A server that drains is idle once the last completion has ended, or at once if there is none")
    func idle() async throws {
        let lifecycle = ServerLifecycle(metrics: ServerMetrics(modelName: "tiny"))
        await lifecycle.requests.waitUntilIdle()
        let backend = ScriptedBackend([.event(.tokens(GeneratedTokens([5], text: "a"))), .hold])
        try await ServerHarness.run(backend, lifecycle: lifecycle) { address in
            let client = ServerClient(address: address)
            let (begun, source) = AsyncStream.makeStream(of: Void.self)
            let reading = Task {
                try await client.stream(CompletionRequest(prompt: .tokens([1]))) { _ in source.yield() }
            }
            _ = await begun.first { true }
            let endings = Task {
                await lifecycle.requests.waitUntilIdle()
                return backend.endings
            }
            // A waiting task can be cancelled.
            let impatient = Task { await lifecycle.requests.waitUntilIdle() }
            impatient.cancel()
            await impatient.value
            reading.cancel()
            #expect(await endings.value == [.cancelled])
        }
    }

    @Test("Metrics are in Prometheus' format, also before the model is loaded", arguments: [true, false])
    func metrics(isLoaded: Bool) async throws {
        try await ServerHarness.run(.hello, isLoaded: isLoaded) { address in
            let answer = try await RawClient(address).exchange(RawClient.get("/metrics"))
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(answer.contains("\npaceline_num_requests_running 0\n"))
        }
    }

    @Test("One connection serves several requests, pipelined ones in order, even with errors between them")
    func keepAlive() async throws {
        try await ServerHarness.run(.hello) { address in
            let answer = try await RawClient(address).exchange(
                RawClient.get("/health", headers: []) + RawClient.get("/nowhere", headers: [])
                    + RawClient.post("/v1/completions", "{", headers: []),
                RawClient.get("/ready")
            )
            let statuses = answer.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
            #expect(statuses == ["200", "404", "400", "200"])
        }
    }

    @Test("HEAD returns the headers without a body")
    func head() async throws {
        try await ServerHarness.run(.hello) { address in
            let answer = try await RawClient(address).exchange(RawClient.get("/health", method: "HEAD"))
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("HTTP/1.0 gets a stream without chunked encoding")
    func oldClient() async throws {
        try await ServerHarness.run(.hello) { address in
            let body = Self.streamed
            let request = "POST /v1/completions HTTP/1.0\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            let answer = try await RawClient(address).exchange(request)
            #expect(!answer.lowercased().contains("transfer-encoding"))
            #expect(answer.contains("\r\n\r\ndata: {"))
            #expect(answer.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test("A client that expects 100 Continue gets it")
    func expectContinue() async throws {
        try await ServerHarness.run(.hello) { address in
            let request = RawClient.post(
                "/v1/completions",
                Self.prompt,
                headers: ["connection: close", "expect: 100-continue"]
            )
            let answer = try await RawClient(address).exchange(request)
            #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("A body beyond the limit is 413, whether declared or chunked")
    func largeBody() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.bodyLimit = 1000
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            let declared = RawClient.get("/v1/completions", method: "POST", headers: ["content-length: 1001"])
            let declaredAnswer = try await RawClient(address).exchange(declared)
            #expect(declaredAnswer.hasPrefix("HTTP/1.1 413 "))
            let chunk = "200\r\n" + String(repeating: "x", count: 0x200) + "\r\n"
            let chunked = RawClient.get("/v1/completions", method: "POST", headers: ["transfer-encoding: chunked"])
            let chunkedAnswer = try await RawClient(address).exchange(chunked, chunk, chunk)
            #expect(chunkedAnswer.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("Bytes that are not HTTP get 400 in JSON")
    func garbage() async throws {
        try await ServerHarness.run(.hello) { address in
            let answer = try await RawClient(address).exchange("PLAC\u{1}garbage\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains(#"{"error":{"#), "\(answer)")
        }
    }

    @Test("An incomplete request gets 408 in time, and a connection without one is closed")
    func late() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.idleTimeout = .seconds(2)
        configuration.requestTimeout = .milliseconds(100)
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            let nothing = try await RawClient(address).exchange("")
            #expect(nothing.isEmpty)
            let half = RawClient.get("/v1/completions", method: "POST", headers: ["content-length: 10"]) + "{"
            for part in ["GET /hea", half] {
                let answer = try await RawClient(address).exchange(part)
                #expect(answer.hasPrefix("HTTP/1.1 408 ") && answer.contains(#"{"error":{"#), "\(answer)")
            }
        }
    }

    @Test("Requests on connections beyond the limit are refused in words, but not probes; an ended one frees its place")
    func connectionLimit() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.connectionLimit = 1
        configuration.refusalLimit = 8
        let backend = ScriptedBackend([.hold])
        try await ServerHarness.run(backend, configuration: configuration) { address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await RawClient(address).exchange(RawClient.post("/v1/completions", Self.prompt))
                }
                while backend.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                let refused = try await RawClient(address).exchange(RawClient.get("/v1/models"))
                #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Retry-After: 1\r\n"), "\(refused)")
                #expect(refused.contains(#"{"error":{"code":null,"message":"too many connections"#), "\(refused)")
                let probe = try await RawClient(address).exchange(RawClient.get("/health"))
                #expect(probe.hasPrefix("HTTP/1.1 200 "), "\(probe)")
                group.cancelAll()
                #expect(await backend.ending() == .cancelled)
                // The place is free only when the connection is closed, shortly after its request has ended.
                while try await !RawClient(address).exchange(RawClient.get("/v1/models")).hasPrefix("HTTP/1.1 200 ") {}
            }
        }
    }

    @Test("Connections that are not even refused in words are closed")
    func refusalLimit() async throws {
        var configuration = HTTPServerConfiguration()
        (configuration.connectionLimit, configuration.refusalLimit) = (0, 0)
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            let answer = try await RawClient(address).exchange(RawClient.get("/health"))
            #expect(answer.isEmpty)
        }
    }

    @Test("The error for a port in use names the port")
    func portInUse() async throws {
        try await ServerHarness.run(.hello) { address in
            let error = await #expect(throws: ShellError.self) {
                try await HTTPServer(
                    ServerLifecycle(metrics: ServerMetrics(modelName: "tiny")),
                    logger: .init(label: "test")
                ).serve(
                    on: address,
                    group: .singletonMultiThreadedEventLoopGroup,
                    while: { _ in }
                )
            }
            #expect(error == .addressInUse(address: "\(address)"))
        }
    }
}
