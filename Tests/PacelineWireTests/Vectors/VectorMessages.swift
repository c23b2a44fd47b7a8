import PacelineSpeculation
import PacelineWire

/// The messages of the golden frames in `Protocols/vectors`, in the order of sending; here those of version 1.
struct VectorMessage {
    enum Sender: String {
        case worker, verifier
    }

    /// Folder and file name without extension.
    var name: String
    var sender: Sender
    var message: Message
}

extension VectorMessage {
    static let vocabularySize = 49_152

    /// A conversation without a shared token: one request, two rounds, a heartbeat, the end.
    static let exchange: [VectorMessage] = [
        VectorMessage(name: "exchange/01-hello", sender: .worker, message: .hello(hello(nonce: []))),
        VectorMessage(name: "exchange/02-welcome", sender: .verifier, message: .welcome(welcome(proof: []))),
        VectorMessage(name: "exchange/03-open", sender: .verifier, message: .open(open)),
        VectorMessage(name: "exchange/04-tree", sender: .worker, message: .tree(tree)),
        VectorMessage(name: "exchange/05-tree-delta", sender: .worker, message: .tree(treeDelta)),
        VectorMessage(name: "exchange/06-verifying", sender: .verifier, message: .verifying(verifying)),
        VectorMessage(name: "exchange/07-verdict", sender: .verifier, message: .verdict(verdict)),
        VectorMessage(name: "exchange/08-tree-again", sender: .worker, message: .tree(treeAgain)),
        VectorMessage(
            name: "exchange/09-ping",
            sender: .verifier,
            message: .ping(Message.Ping(number: 1, lastReceived: 4))
        ),
        VectorMessage(
            name: "exchange/10-pong",
            sender: .worker,
            message: .pong(Message.Pong(number: 1, lastReceived: 5))
        ),
        VectorMessage(name: "exchange/11-verdict-plain", sender: .verifier, message: .verdict(plainVerdict)),
        VectorMessage(
            name: "exchange/12-tree-empty",
            sender: .worker,
            message: .tree(
                Message.Tree(
                    request: 7,
                    epoch: 5,
                    baseLength: 9,
                    baseHash: BaseHash(base + [6330, 284, 253, 5345]),
                    firstNode: 0,
                    nodes: [],
                    isFinal: true
                )
            )
        ),
        VectorMessage(
            name: "exchange/13-close",
            sender: .verifier,
            message: .close(Message.Close(request: 7, reason: .finished, detail: ""))
        ),
        VectorMessage(
            name: "exchange/14-drain",
            sender: .worker,
            message: .drain(Message.Drain(graceMilliseconds: 5000, reason: "upgrade"))
        ),
        VectorMessage(
            name: "exchange/15-fault",
            sender: .verifier,
            message: .fault(Message.Fault(code: .timeout, reason: "nothing came for 1.0 seconds"))
        ),
    ]

    /// The handshake when both sides have the shared token "correct horse battery staple".
    static let authenticated: [VectorMessage] = [
        VectorMessage(
            name: "authenticated/01-hello",
            sender: .worker,
            message: .hello(hello(nonce: Array(0x00...0x1f)))
        ),
        VectorMessage(
            name: "authenticated/02-challenge",
            sender: .verifier,
            message: .challenge(Message.Challenge(version: 1, nonce: Array(0x20...0x3f)))
        ),
        VectorMessage(
            name: "authenticated/03-authenticate",
            sender: .worker,
            message: .authenticate(Message.Authenticate(proof: workerProof))
        ),
        VectorMessage(
            name: "authenticated/04-welcome",
            sender: .verifier,
            message: .welcome(welcome(proof: verifierProof))
        ),
    ]

    /// Computed with Python's hmac module over the preceding frames.
    private static let workerProof: [UInt8] = [
        0x4c, 0xaa, 0xbf, 0xbf, 0x04, 0x61, 0x8c, 0x85, 0x27, 0xc4, 0x94, 0x28, 0x17, 0x02, 0x6e, 0xc0,
        0xc1, 0xe5, 0xb3, 0x24, 0xbf, 0xaf, 0xbe, 0x77, 0xad, 0x22, 0x72, 0x37, 0x55, 0xb7, 0x0a, 0xf8,
    ]
    private static let verifierProof: [UInt8] = [
        0xfa, 0x7c, 0x04, 0xa7, 0x56, 0x97, 0xc4, 0x29, 0x8a, 0x63, 0x9c, 0xb6, 0x72, 0xaa, 0x27, 0x22,
        0x8a, 0xc4, 0xca, 0x8a, 0x47, 0xcf, 0xcc, 0x7a, 0x27, 0xb7, 0xa7, 0x27, 0x0d, 0x7b, 0x41, 0x88,
    ]

    static let base: [Token] = [504, 3575, 282, 4649, 314]

    private static let fingerprint = ModelFingerprint(
        tokenizerHash: (0..<32).map { UInt8($0 * 7 + 3) },
        vocabularySize: vocabularySize,
        tokens: nil,
        model: "SmolLM2-135M-Instruct.Q4_1.gguf"
    )

    static func hello(nonce: [UInt8]) -> Message.Hello {
        Message.Hello(
            versions: 1...1,
            role: .worker,
            name: "draft-1",
            incarnation: 0x0123_4567_89ab_cdef,
            fingerprint: fingerprint,
            capabilities: [.deltas, .verifying, .sharedNoise],
            slots: 4,
            contextLength: 2048,
            nonce: nonce
        )
    }

    static func welcome(proof: [UInt8]) -> Message.Welcome {
        Message.Welcome(
            version: 1,
            name: "verifier-1",
            incarnation: 0xfedc_ba98_7654_3210,
            fingerprint: fingerprint,
            capabilities: [.deltas, .verifying, .sharedNoise],
            heartbeatMilliseconds: 250,
            deadAfterMilliseconds: 1000,
            limits: .maximum,
            proof: proof
        )
    }

    static let open = Message.Open(
        request: 7,
        epoch: 3,
        base: base,
        baseHash: BaseHash(base),
        sampling: SamplingParameters(
            temperature: 0.75,
            topK: 40,
            topP: 0.9375,
            minP: 0.03125,
            repetitionPenalty: 1.125,
            frequencyPenalty: 0.25,
            presencePenalty: -0.5,
            repeatLastN: -1,
            logitBias: [
                SamplingParameters.LogitBias(token: 2, bias: -100), SamplingParameters.LogitBias(token: 284, bias: 1.5),
            ],
            seed: 42
        ),
        credit: 64,
        limits: DraftLimits(nodes: 64, depth: 8, width: 4),
        shard: OutcomeShard(index: 1, count: 3),
        lengthLimit: 261
    )

    /// Two children of the base, and one below each.
    private static let tree = Message.Tree(
        request: 7,
        epoch: 3,
        baseLength: 5,
        baseHash: BaseHash(base),
        firstNode: 0,
        nodes: [
            TokenTree.Node(parent: nil, token: 6330, logProbability: -0.25),
            TokenTree.Node(parent: nil, token: 260, logProbability: -1.75),
            TokenTree.Node(parent: 0, token: 284, logProbability: -0.125),
            TokenTree.Node(parent: 1, token: 3575, logProbability: -2),
        ],
        isFinal: false
    )

    /// Continues below nodes 2 and 0.
    private static let treeDelta = Message.Tree(
        request: 7,
        epoch: 3,
        baseLength: 5,
        baseHash: BaseHash(base),
        firstNode: 4,
        nodes: [
            TokenTree.Node(parent: 2, token: 216, logProbability: -0.5),
            TokenTree.Node(parent: 0, token: 28, logProbability: -3.5),
        ],
        isFinal: true
    )

    private static let verifying = Message.Verifying(
        request: 7,
        epoch: 3,
        baseLength: 5,
        baseHash: BaseHash(base),
        nodes: [
            Message.Verifying.Node(parent: nil, token: 6330),
            Message.Verifying.Node(parent: nil, token: 260),
            Message.Verifying.Node(parent: 0, token: 284),
            Message.Verifying.Node(parent: 2, token: 216),
        ]
    )

    /// 6330 and 284 are accepted; after them the target chooses 253 rather than 216.
    static let verdict = Message.Verdict(
        request: 7,
        epoch: 4,
        baseLength: 8,
        baseHash: BaseHash(base + [6330, 284, 253]),
        tokens: [6330, 284, 253],
        verifiedNodes: 4,
        acceptedNodes: 2,
        credit: 32,
        limits: DraftLimits(nodes: 32, depth: 6, width: 2)
    )

    private static let treeAgain = Message.Tree(
        request: 7,
        epoch: 4,
        baseLength: 8,
        baseHash: BaseHash(base + [6330, 284, 253]),
        firstNode: 0,
        nodes: [TokenTree.Node(parent: nil, token: 3575, logProbability: -0.0625)],
        isFinal: true
    )

    /// Nothing was accepted; only the target's own token follows.
    private static let plainVerdict = Message.Verdict(
        request: 7,
        epoch: 5,
        baseLength: 9,
        baseHash: BaseHash(base + [6330, 284, 253, 5345]),
        tokens: [5345],
        verifiedNodes: 1,
        acceptedNodes: 0,
        credit: 32
    )
}
