import Logging
import NIOCore
import PacelineCluster
import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@Suite("A verifier's port", .timeLimit(.minutes(2)))
struct IntruderTests {
    /// A frame as a worker would send it, to be spoilt by the tests.
    private static func hello(versions: ClosedRange<Int> = WireLimits.protocolVersions) throws -> ByteBuffer {
        var writer = MessageWriter(phase: .handshake)
        var bytes = ByteBuffer()
        try writer.write(.hello(LinkPair.hello(versions: versions)), into: &bytes)
        return bytes
    }

    /// A verifier that gives handshakes a minute, which no machine is too busy for, unless a test is about the
    /// deadline.
    private static func startVerifier(
        _ log: CapturedLog,
        handshakeTimeout: Duration = .seconds(60)
    ) async throws -> VerifierServer {
        var configuration = VerifierConfiguration()
        configuration.link.handshakeTimeout = handshakeTimeout
        return try await EndToEndTests.startVerifier(configuration, logger: log.logger)
    }

    private static func spoilt(at offset: Int, with byte: UInt8) throws -> ByteBuffer {
        var bytes = try hello()
        bytes.setInteger(byte, at: offset)
        return bytes
    }

    enum Intrusion: String, CaseIterable {
        case http, garbage, oversize, payloadChecksum, futureFraming, futureVersion, otherModel, silence

        func bytes() throws -> ByteBuffer {
            switch self {
            case .http: ByteBuffer(string: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            case .garbage: ByteBuffer(bytes: (0..<600).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) })
            case .oversize: try IntruderTests.spoilt(at: 15, with: 0x7f)
            case .payloadChecksum: try IntruderTests.spoilt(at: 30, with: 0xaa)
            case .futureFraming: try IntruderTests.spoilt(at: 8, with: 9)
            case .futureVersion: try IntruderTests.hello(versions: 8...9)
            case .otherModel:
                try {
                    let other = ModelFingerprint(
                        tokenizerHash: [UInt8](repeating: 1, count: 32),
                        vocabularySize: 5,
                        tokens: ModelFingerprint.Tokens(hash: [UInt8](repeating: 1, count: 32), count: 5),
                        model: "stranger"
                    )
                    var writer = MessageWriter(phase: .handshake)
                    var bytes = ByteBuffer()
                    try writer.write(.hello(LinkPair.hello(other)), into: &bytes)
                    return bytes
                }()
            case .silence: ByteBuffer()
            }
        }

        /// What the log must say.
        var reason: String {
            switch self {
            case .http, .garbage: "does not speak Paceline's protocol"
            // The header's checksum is checked first, so that neither length nor version is believed.
            case .oversize, .futureFraming: "header is corrupt"
            case .payloadChecksum: "payload of a hello message is corrupt"
            case .futureVersion: "speaks 1 to 2, the other 8 to 9"
            case .otherModel: "stranger"
            case .silence: "handshake was not over"
            }
        }
    }

    @Test(
        "closes on strangers with a logged reason while requests go on as if nothing were",
        arguments: Intrusion.allCases
    )
    func strangers(intrusion: Intrusion) async throws {
        let log = CapturedLog()
        let verifier = try await Self.startVerifier(log, handshakeTimeout: .seconds(intrusion == .silence ? 2 : 60))
        let request = GenerationRequest(prompt: [5], sampling: SamplingParameters(seed: 9), maximumTokens: 400)
        let handle = verifier.submit(request)
        let heard = try await RawPeer.with(verifier.endpoint) { peer in
            try await peer.sayIfOpen(intrusion.bytes())
            return await peer.listen()
        }
        #expect(heard.readableBytes < 700, "a stranger learns no more than why it is refused")
        let (tokens, _) = await EndToEndTests.collect(handle)
        #expect(tokens == MockText.plain(prompt: [5], seed: 9, count: 400))
        #expect(await log.comesToContain(intrusion.reason), "\(log.text)")
        #expect(try await verifier.snapshot().pendingLinks == 0)
        try await verifier.shutdown()
    }

    @Test("keeps nothing of a peer that goes in the middle of a frame")
    func midFrame() async throws {
        let log = CapturedLog()
        let verifier = try await Self.startVerifier(log)
        try await RawPeer.with(verifier.endpoint) { peer in
            var bytes = try Self.hello()
            try await peer.say(bytes.readSlice(length: 40) ?? bytes)
        }
        #expect(await log.comesToContain("the peer closed the connection"), "\(log.text)")
        #expect(try await verifier.snapshot().pendingLinks == 0)
        try await verifier.shutdown()
    }

    @Test("gives a worker up that falls silent after its handshake, and its request ends the same")
    func silentWorker() async throws {
        let log = CapturedLog()
        let verifier = try await Self.startVerifier(log)
        let request = GenerationRequest(prompt: [6], sampling: SamplingParameters(seed: 9), maximumTokens: 300)
        let tokens = try await RawPeer.with(verifier.endpoint) { peer in
            try await peer.say(Self.hello())
            while try await verifier.snapshot().workers.isEmpty {
                try await Task.sleep(for: .milliseconds(2))
            }
            let handle = verifier.submit(request)
            _ = await peer.listen()
            return await EndToEndTests.collect(handle).0
        }
        #expect(tokens == MockText.plain(prompt: [6], seed: 9, count: 300))
        #expect(await log.comesToContain("nothing came for"), "\(log.text)")
        try await verifier.shutdown()
    }
}
