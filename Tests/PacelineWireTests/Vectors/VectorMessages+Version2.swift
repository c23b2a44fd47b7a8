import PacelineSpeculation
import PacelineWire

extension VectorMessage {
    /// The additions of version 2: a drafter whose vocabulary is padded differently from the target's, and a base in
    /// three parts.
    static let version2: [VectorMessage] = [
        VectorMessage(name: "version-2/01-hello", sender: .worker, message: .hello(newHello)),
        VectorMessage(name: "version-2/02-welcome", sender: .verifier, message: .welcome(newWelcome)),
        VectorMessage(name: "version-2/03-open", sender: .verifier, message: .open(partOpen)),
        VectorMessage(
            name: "version-2/04-base",
            sender: .verifier,
            message: .base(Message.Base(request: 7, offset: 3, tokens: Array(longBase[3..<5])))
        ),
        VectorMessage(
            name: "version-2/05-base",
            sender: .verifier,
            message: .base(Message.Base(request: 7, offset: 5, tokens: Array(longBase[5...])))
        ),
        VectorMessage(name: "version-2/06-tree", sender: .worker, message: .tree(treeBelow)),
        VectorMessage(
            name: "version-2/07-close",
            sender: .verifier,
            message: .close(Message.Close(request: 7, reason: .cancelled))
        ),
    ]

    /// A request that is named as its client's trace names it.
    static let traced: [VectorMessage] = [
        VectorMessage(name: "traced/01-hello", sender: .worker, message: .hello(newHello)),
        VectorMessage(name: "traced/02-welcome", sender: .verifier, message: .welcome(newWelcome)),
        VectorMessage(name: "traced/03-open", sender: .verifier, message: .open(tracedOpen)),
    ]

    /// A request whose text must be of a grammar, for a worker that uses it.
    static let constrained: [VectorMessage] = [
        VectorMessage(name: "constrained/01-hello", sender: .worker, message: .hello(ableHello)),
        VectorMessage(name: "constrained/02-welcome", sender: .verifier, message: .welcome(ableWelcome)),
        VectorMessage(name: "constrained/03-open", sender: .verifier, message: .open(constrainedOpen)),
    ]

    /// All golden frames, by conversation, with the protocol version of each.
    static let conversations: [(version: Int, messages: [VectorMessage])] = [
        (1, exchange), (1, authenticated), (2, version2), (2, traced), (2, constrained), (2, features),
        (2, eightBitFeatures),
    ]

    private static let longBase: [Token] = base + [6330, 284]
    private static let tokens = ModelFingerprint.Tokens(hash: (0..<32).map { UInt8($0 * 5 + 1) }, count: vocabularySize)

    static var newHello: Message.Hello {
        var hello = hello(nonce: [])
        hello.versions = 1...2
        hello.fingerprint?.tokens = tokens
        return hello
    }

    static var newWelcome: Message.Welcome {
        var welcome = welcome(proof: [])
        welcome.version = 2
        welcome.fingerprint.vocabularySize = vocabularySize + 64
        welcome.fingerprint.tokenizerHash = (0..<32).map { UInt8($0 * 3 + 2) }
        welcome.fingerprint.tokens = tokens
        return welcome
    }

    private static var partOpen: Message.Open {
        var part = open
        part.base = Array(longBase[..<3])
        part.baseLength = longBase.count
        part.baseHash = BaseHash(longBase)
        return part
    }

    private static var tracedOpen: Message.Open {
        var named = open
        named.traceID = [
            0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36,
        ]
        named.requestID = "req-1k2j3h"
        return named
    }

    private static var ableHello: Message.Hello {
        var able = newHello
        able.capabilities.insert(.constraints)
        return able
    }

    private static var ableWelcome: Message.Welcome {
        var able = newWelcome
        able.capabilities.insert(.constraints)
        return able
    }

    /// The last two tokens of its base have been generated, behind a prompt of three.
    private static var constrainedOpen: Message.Open {
        var constrained = open
        constrained.constraint = DraftConstraint(
            grammar: #"{"sequence": [{"text": "of "}, {"choice": ["gravity", "a fall"]}]}"#,
            beginning: .first,
            promptLength: 3
        )
        return constrained
    }

    private static let treeBelow = Message.Tree(
        request: 7,
        epoch: 3,
        baseLength: longBase.count,
        baseHash: BaseHash(longBase),
        firstNode: 0,
        nodes: [TokenTree.Node(parent: nil, token: 253, logProbability: -0.5)],
        isFinal: true
    )
}
