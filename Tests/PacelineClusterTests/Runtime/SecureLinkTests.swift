import Logging
import NIOCore
import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

/// Verifiers and workers that must know each other, over loopback sockets.
@Suite("A link that must be authenticated", .timeLimit(.minutes(2)))
struct SecureLinkTests {
    /// What a side holds.
    struct Papers: Sendable {
        var token: String?
        var tls: LinkTLS.Files?
        /// Its own check takes place in 2020, so that only the other side finds out what has expired since.
        var hasOldClock = false
        var versions = WireLimits.protocolVersions

        static func certified(
            _ holder: String,
            of folder: String = "good",
            trusting authority: String = "good",
            allowing names: [SubjectName] = []
        ) throws -> Papers {
            Papers(
                tls: try TestAuthority.files(holder, of: folder, trusting: authority, allowing: names),
                hasOldClock: folder == "expired"
            )
        }

        func transport() throws -> LinkTLS? {
            try tls.map { try hasOldClock ? LinkTLS($0, now: 1_600_000_000) : LinkTLS($0) }
        }

        var link: LinkConfiguration {
            var link = LinkConfiguration()
            link.token = token.map(LinkPair.token)
            link.versions = versions
            return link
        }
    }

    static func verifier(
        _ papers: Papers,
        log: CapturedLog = CapturedLog(),
        _ adjust: (inout VerifierConfiguration) -> Void = { _ in }
    ) async throws -> VerifierServer {
        var configuration = VerifierConfiguration()
        configuration.link = papers.link
        // The mock target is faster than any drafter.
        configuration.restsDrafting = false
        adjust(&configuration)
        return try await VerifierServer.start(
            configuration,
            listen: Endpoint(host: "127.0.0.1", port: 0),
            tls: papers.transport(),
            logger: log.logger
        ) { _ in
            LoadedTarget(engine: MockTarget(), description: .mock())
        }
    }

    static func worker(
        _ papers: Papers,
        _ endpoints: [Endpoint],
        log: CapturedLog = CapturedLog()
    ) async throws -> WorkerClient {
        var configuration = WorkerConfiguration(name: "worker", fingerprint: nil)
        configuration.link = papers.link
        return try await WorkerClient.start(
            configuration,
            verifiers: endpoints,
            tls: papers.transport(),
            logger: log.logger
        ) { _ in
            MockDrafterSource(.model(agreement: 0.9))
        }
    }

    /// Whether requests get the tokens of plain decoding, with the worker's help.
    private static func checkDrafting(_ verifier: VerifierServer) async throws {
        while try await verifier.snapshot().workers.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        for seed in 1...100 as ClosedRange<UInt64> {
            let request = GenerationRequest(prompt: [4], sampling: SamplingParameters(seed: seed), maximumTokens: 200)
            let (tokens, _) = await EndToEndTests.collect(verifier.submit(request))
            #expect(tokens == MockText.plain(prompt: [4], seed: seed, count: 200))
            if try await verifier.snapshot().workers.contains(where: { $0.acceptedTokens > 0 }) { return }
        }
        Issue.record("the worker was of no help")
    }

    @Test("drafts with a shared token")
    func token() async throws {
        let papers = Papers(token: AuthenticationTests.secret)
        let verifier = try await Self.verifier(papers)
        let worker = try await Self.worker(papers, [verifier.endpoint])
        try await Self.checkDrafting(verifier)
        try await worker.shutdown()
        try await verifier.shutdown()
    }

    @Test("drafts with certificates, checked by name on either side or by authority alone", arguments: [true, false])
    func certificates(isNamed: Bool) async throws {
        let workers = SubjectName("URI:paceline://worker").map { [$0] } ?? []
        let verifiers = SubjectName("DNS:localhost").map { [$0] } ?? []
        let verifier = try await Self.verifier(.certified("verifier", allowing: isNamed ? workers : []))
        let worker = try await Self.worker(
            .certified("worker", allowing: isNamed ? verifiers : []),
            [verifier.endpoint]
        )
        try await Self.checkDrafting(verifier)
        try await worker.shutdown()
        try await verifier.shutdown()
    }

    @Test("refuses to load its own certificate when that has expired")
    func ownExpired() throws {
        let files = try TestAuthority.files("worker", of: "expired")
        let error = #expect(throws: LinkTLSError.self) { try LinkTLS(files) }
        #expect(error?.description.contains("expired on 2021-01-01") == true)
    }

    @Test("drafts with both, the token inside TLS")
    func both() async throws {
        var (one, other) = (try Papers.certified("verifier"), try Papers.certified("worker"))
        (one.token, other.token) = (AuthenticationTests.secret, AuthenticationTests.secret)
        let verifier = try await Self.verifier(one)
        let worker = try await Self.worker(other, [verifier.endpoint])
        try await Self.checkDrafting(verifier)
        try await worker.shutdown()
        try await verifier.shutdown()
    }

    @Test("of a verifier that speaks versions 2 and 3 is made with a worker of either, and with no older one")
    func versions() async throws {
        let verifierLog = CapturedLog()
        let verifier = try await Self.verifier(Papers(), log: verifierLog) { $0.link.versions = 2...3 }
        for versions in [2...2, 2...3, 3...4] {
            let worker = try await Self.worker(Papers(versions: versions), [verifier.endpoint])
            while try await verifier.snapshot().workers.filter(\.isConnected).isEmpty {
                try await Task.sleep(for: .milliseconds(2))
            }
            try await worker.shutdown()
            while try await !verifier.snapshot().workers.filter(\.isConnected).isEmpty {
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        let old = try await Self.worker(Papers(versions: 1...1), [verifier.endpoint])
        let error = await #expect(throws: LinkFault.self) { try await old.waitUntilEnded() }
        guard case .reported(.version, let reason) = error else {
            Issue.record("the worker ended with \(String(describing: error))")
            return
        }
        #expect(reason.contains("this side speaks 2 to 3, the other 1"), "\(reason)")
        #expect(await verifierLog.comesToContain("this side speaks 2 to 3, the other 1"), "\(verifierLog.text)")
        try await old.shutdown()
        try await verifier.shutdown()
    }

    private static let tooLate = "the handshake was not over"

    @Test(
        "closes on strangers who speak no TLS, or start and never end, with a logged reason",
        arguments: [
            ([], tooLate), ([0x16, 3, 1, 0x40, 0], tooLate),
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), "does not speak TLS"),
            ([0xf7, 0x50, 0x43, 0x4c] + [UInt8](repeating: 0, count: 60), "does not speak TLS"),
        ] as [([UInt8], String)]
    )
    func strangers(bytes: [UInt8], reason: String) async throws {
        let log = CapturedLog()
        let verifier = try await Self.verifier(.certified("verifier"), log: log) { configuration in
            // Only those who never end are to be met by the deadline, however busy the machine is.
            if reason != Self.tooLate { configuration.link.handshakeTimeout = .seconds(60) }
        }
        _ = try await RawPeer.with(verifier.endpoint) { peer in
            try await peer.sayIfOpen(ByteBuffer(bytes: bytes))
            return await peer.listen()
        }
        #expect(await log.comesToContain(reason), "\(log.text)")
        #expect(try await verifier.snapshot().pendingLinks == 0)
        try await verifier.shutdown()
    }

    /// Papers that do not fit, and words of why in either side's log or error; nil where a side cannot know.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var verifier: @Sendable () throws -> Papers
        var worker: @Sendable () throws -> Papers
        var verifierSays: String
        var workerSays: String
    }

    static let refusals: [Refusal] = [
        Refusal(
            testDescription: "another token",
            verifier: { Papers(token: AuthenticationTests.secret) },
            worker: { Papers(token: AuthenticationTests.other) },
            verifierSays: "the worker's shared token is not the verifier's",
            workerSays: "the worker's shared token is not the verifier's"
        ),
        Refusal(
            testDescription: "no token",
            verifier: { Papers(token: AuthenticationTests.secret) },
            worker: { Papers() },
            verifierSays: "give the worker the verifier's token",
            workerSays: "give the worker the verifier's token"
        ),
        Refusal(
            testDescription: "an expired certificate",
            verifier: { try .certified("verifier") },
            worker: { try .certified("worker", of: "expired") },
            verifierSays: "(URI:paceline://worker) expired on 2021-01-01",
            workerSays: "this side's certificate has expired"
        ),
        Refusal(
            testDescription: "a worker of another authority",
            verifier: { try .certified("verifier") },
            worker: { try .certified("worker", of: "other") },
            verifierSays: "was not signed by the authority in --tls-ca",
            workerSays: "has not signed this side's certificate"
        ),
        Refusal(
            testDescription: "a verifier of another authority",
            verifier: { try .certified("verifier", of: "other") },
            worker: { try .certified("worker") },
            verifierSays: "has not signed this side's certificate",
            workerSays: "was not signed by the authority in --tls-ca"
        ),
        Refusal(
            testDescription: "a worker whose name is not allowed",
            verifier: { try .certified("verifier", allowing: [.uri("paceline://somebody-else")]) },
            worker: { try .certified("worker") },
            verifierSays: "(URI:paceline://worker) has no name that --tls-allow-san allows",
            workerSays: "(URI:paceline://worker) has no name that --tls-allow-san allows"
        ),
        Refusal(
            testDescription: "a verifier whose name is not allowed",
            verifier: { try .certified("verifier") },
            worker: { try .certified("worker", allowing: [.dns("verifier.example")]) },
            verifierSays: "has no name that --tls-allow-san allows",
            workerSays: "has no name that --tls-allow-san allows"
        ),
        Refusal(
            testDescription: "a verifier at another address than its certificate says",
            verifier: { try .certified("worker") },
            worker: { try .certified("worker") },
            verifierSays: "",
            workerSays: "not for the address it is at, but URI:paceline://worker"
        ),
    ]

    @Test("refuses, and says why on both sides", arguments: refusals)
    func refuses(_ refusal: Refusal) async throws {
        let (verifierLog, workerLog) = (CapturedLog(), CapturedLog())
        let verifier = try await Self.verifier(refusal.verifier(), log: verifierLog)
        let worker = try await Self.worker(refusal.worker(), [verifier.endpoint], log: workerLog)
        await #expect(throws: LinkFault.self) { try await worker.waitUntilEnded() }
        try await worker.shutdown()
        #expect(await workerLog.comesToContain(refusal.workerSays), "\(workerLog.text)")
        #expect(await workerLog.comesToContain("not trying again"), "\(workerLog.text)")
        #expect(await verifierLog.comesToContain(refusal.verifierSays), "\(verifierLog.text)")
        #expect(try await verifier.snapshot().workers.filter(\.isConnected).isEmpty)
        try await verifier.shutdown()
    }
}
