import NIOCore
import PacelineSpeculation
import PacelineWire

/// Phases and valid messages of the draft link.
enum WireSamples {
    static let vocabularySize = 1000

    /// The phase in which a type of message is allowed.
    static func phase(of type: MessageType, version: Int) -> LinkPhase {
        switch type {
        case .hello, .challenge, .authenticate, .welcome: .handshake
        default:
            .established(limits: .maximum, vocabularySize: vocabularySize, version: version, features: demand)
        }
    }

    private static let demand = FeatureDemand(taps: [.input(layer: 2), .lastOutput])

    /// One message of each type.
    static let messages: [Message] = [
        .hello(hello), .challenge(Message.Challenge(version: 2, nonce: digest)),
        .authenticate(Message.Authenticate(proof: digest)), .welcome(welcome), .open(open),
        .base(Message.Base(request: 7, offset: 3, tokens: [4, 5])), .tree(tree), .verifying(verifying),
        .verdict(verdict), .features(features),
        .close(Message.Close(request: 7, reason: .finished, detail: "done")),
        .ping(Message.Ping(number: 3, lastReceived: 9)), .pong(Message.Pong(number: 3, lastReceived: 8)),
        .drain(Message.Drain(graceMilliseconds: 30_000, reason: "upgrade")),
        .fault(Message.Fault(code: .limit, reason: "too much")),
    ]

    private static let digest = [UInt8](1...32)
    private static let fingerprint = ModelFingerprint(
        tokenizerHash: digest,
        vocabularySize: vocabularySize,
        tokens: ModelFingerprint.Tokens(hash: digest, count: vocabularySize),
        model: "tiny.gguf"
    )
    private static let limits = DraftLimits(nodes: 64, depth: 8, width: 4, surprisal: 4096)
    private static let mark = (epoch: UInt64(3), length: 5, hash: BaseHash(rawValue: 0xef6e_bd6f_d64d))

    private static var hello: Message.Hello {
        Message.Hello(
            versions: 1...2,
            role: .worker,
            name: "draft-1",
            incarnation: 99,
            fingerprint: fingerprint,
            capabilities: [.deltas, .verifying, .sharedNoise, .features],
            slots: 4,
            contextLength: 2048,
            nonce: digest,
            features: demand
        )
    }

    private static var welcome: Message.Welcome {
        Message.Welcome(
            version: 2,
            name: "verifier-1",
            incarnation: 77,
            fingerprint: fingerprint,
            capabilities: [.deltas],
            heartbeatMilliseconds: 250,
            deadAfterMilliseconds: 1000,
            limits: .maximum,
            proof: digest
        )
    }

    private static var open: Message.Open {
        Message.Open(
            request: 7,
            epoch: mark.epoch,
            base: [1, 2, 3],
            baseLength: 5,
            baseHash: mark.hash,
            sampling: SamplingParameters(
                temperature: 0.75,
                topK: 40,
                topP: 0.9,
                repetitionPenalty: 1.1,
                logitBias: [SamplingParameters.LogitBias(token: 3, bias: -100)],
                seed: 42
            ),
            credit: 64,
            limits: limits,
            shard: OutcomeShard(index: 1, count: 3),
            lengthLimit: 261,
            traceID: [UInt8](1...16),
            requestID: "req-1"
        )
    }

    private static var tree: Message.Tree {
        Message.Tree(
            request: 7,
            epoch: mark.epoch,
            baseLength: mark.length,
            baseHash: mark.hash,
            firstNode: 0,
            nodes: [
                TokenTree.Node(parent: nil, token: 6, logProbability: -0.25),
                TokenTree.Node(parent: nil, token: 7, logProbability: -1.5),
                TokenTree.Node(parent: 0, token: 8, logProbability: -0.125),
            ],
            isFinal: true
        )
    }

    private static var verifying: Message.Verifying {
        Message.Verifying(
            request: 7,
            epoch: mark.epoch,
            baseLength: mark.length,
            baseHash: mark.hash,
            nodes: [
                Message.Verifying.Node(parent: nil, token: 6), Message.Verifying.Node(parent: 0, token: 8),
            ]
        )
    }

    private static var features: Message.Features {
        Message.Features(
            request: 7,
            block: FeatureBlock(
                position: 4,
                taps: demand.taps,
                width: 2,
                values: [1, -2, 0.5, 0, 65504, -65504, 0x1p-24, -0.25]
            ),
            format: demand.format
        )
    }

    private static var verdict: Message.Verdict {
        Message.Verdict(
            request: 7,
            epoch: 4,
            baseLength: 8,
            baseHash: mark.hash,
            tokens: [6, 8, 9],
            verifiedNodes: 3,
            acceptedNodes: 2,
            credit: 32,
            limits: limits,
            shard: .whole
        )
    }
}

/// What a decoded message must allow: it can be sent, and arrives unchanged.
func checkRoundTrip(_ message: Message, phase: LinkPhase) throws {
    var writer = MessageWriter(phase: phase)
    var bytes = ByteBuffer()
    try writer.write(message, into: &bytes)
    var reader = MessageReader(phase: phase)
    reader.append(bytes)
    guard let back = try reader.next()?.message, back == message else {
        throw FuzzFinding("\(message) does not survive being sent")
    }
}
