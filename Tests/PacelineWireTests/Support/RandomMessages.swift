import PacelineSpeculation
import PacelineWire

/// Random valid messages, with extreme values more often than by chance.
struct RandomMessages {
    static let vocabularySize = 49_152
    /// With features, so that every message may come.
    static let established = established(version: WireLimits.protocolVersions.upperBound, features: demand)
    static let demand = FeatureDemand(taps: [.input(layer: 2), .normedOutput, .lastOutput])

    static func established(version: Int, features: FeatureDemand? = nil) -> LinkPhase {
        .established(limits: .maximum, vocabularySize: vocabularySize, version: version, features: features)
    }

    var random: SplitMix

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
    }

    /// A phase in which a message is allowed.
    static func phase(of type: MessageType) -> LinkPhase {
        switch type {
        case .hello, .challenge, .authenticate, .welcome: .handshake
        default: established
        }
    }

    mutating func message(_ type: MessageType) -> Message {
        switch type {
        case .hello: .hello(hello())
        case .challenge: .challenge(Message.Challenge(version: number(1...65_535), nonce: bytes(32)))
        case .authenticate: .authenticate(Message.Authenticate(proof: bytes(32)))
        case .welcome: .welcome(welcome())
        case .open: .open(open())
        case .base: .base(base())
        case .tree: .tree(tree())
        case .verifying: .verifying(verifying())
        case .verdict: .verdict(verdict())
        case .features: .features(features())
        case .close:
            .close(Message.Close(request: id(), reason: Message.Close.Reason.allCases.pick(&random), detail: text(512)))
        case .ping: .ping(Message.Ping(number: id(), lastReceived: random.next()))
        case .pong: .pong(Message.Pong(number: id(), lastReceived: random.next()))
        case .drain: .drain(Message.Drain(graceMilliseconds: number(0...3_600_000), reason: text(512)))
        case .fault: .fault(Message.Fault(code: Message.Fault.Code.allCases.pick(&random), reason: text(512)))
        }
    }

    mutating func nodes(count: Int, firstNode: Int = 0) -> [TokenTree.Node] {
        var tree = TokenTree()
        while tree.count < count {
            let parent = Bool.random(using: &random) ? tree.indices.last : tree.indices.randomElement(using: &random)
            let steps = number(0...65_535)
            let node = TokenTree.Node(
                parent: tree.depth(of: parent) < 30 ? parent : nil,
                token: token(),
                logProbability: steps == 0 ? 0 : -Float(steps) / 1024
            )
            _ = try? tree.insert(node)
        }
        return tree.map { node in
            TokenTree.Node(
                parent: node.parent.map { $0 + firstNode } ?? (firstNode > 0 ? number(0...firstNode - 1) : nil),
                token: node.token,
                logProbability: node.logProbability
            )
        }
    }

    private mutating func hello() -> Message.Hello {
        let minimum = Bool.random(using: &random) ? 1 : number(1...65_535)
        let maximum = Bool.random(using: &random) ? minimum : number(minimum...65_535)
        return Message.Hello(
            versions: minimum...maximum,
            role: Bool.random(using: &random) ? .worker : .verifier,
            name: "w" + text(127),
            incarnation: id(),
            fingerprint: Bool.random(using: &random) ? nil : fingerprint(version: maximum),
            capabilities: LinkCapabilities(rawValue: random.next()),
            slots: number(1...1024),
            contextLength: Bool.random(using: &random) ? nil : number(1...Int(UInt32.max)),
            nonce: Bool.random(using: &random) ? [] : bytes(32),
            features: Bool.random(using: &random) ? nil : demand()
        )
    }

    private mutating func demand() -> FeatureDemand {
        let layers = (0..<8).map { 100 * $0 + number(0...99) }
        let all: [FeatureTap] = [.normedOutput, .lastOutput] + layers.map { .input(layer: $0) }
        return FeatureDemand(
            taps: Array(all.shuffled(using: &random).prefix(number(1...8))),
            format: FeatureDemand.Format.allCases.pick(&random)
        )
    }

    private mutating func welcome() -> Message.Welcome {
        let heartbeat = number(10...60_000)
        let version = Bool.random(using: &random) ? number(1...2) : number(1...65_535)
        return Message.Welcome(
            version: version,
            name: "v" + text(127),
            incarnation: id(),
            fingerprint: fingerprint(version: version),
            capabilities: LinkCapabilities(rawValue: random.next()),
            heartbeatMilliseconds: heartbeat,
            deadAfterMilliseconds: number(2 * heartbeat...600_000),
            limits: LinkLimits(
                framePayload: number(65_536...1_048_576),
                treePayload: number(4096...65_536),
                treeNodes: number(1...512),
                treeDepth: number(1...32),
                requests: number(1...1024)
            ),
            proof: Bool.random(using: &random) ? [] : bytes(32)
        )
    }

    private mutating func open() -> Message.Open {
        let base = (0..<number(1...2000)).map { _ in token() }
        let length = Bool.random(using: &random) ? base.count : number(base.count...WireLimits.baseLength)
        var open = Message.Open(
            request: id(),
            epoch: random.next(),
            base: base,
            baseLength: length,
            baseHash: BaseHash(rawValue: random.next()),
            sampling: sampling(),
            credit: number(0...512),
            limits: draftLimits(),
            shard: Bool.random(using: &random) ? .whole : OutcomeShard(index: number(0...3), count: number(4...64)),
            lengthLimit: number(length...Int(UInt32.max)),
            traceID: Bool.random(using: &random) ? [] : bytes(15) + [1],
            requestID: Bool.random(using: &random) ? "" : text(128)
        )
        open.rest = DraftRestReason.allCases.randomElement(using: &random) ?? .unspecified
        open.constraint = Bool.random(using: &random) ? nil : constraint(baseLength: length)
        return open
    }

    private mutating func constraint(baseLength: Int) -> DraftConstraint {
        let isLong = Int.random(in: 0..<20, using: &random) == 0
        return DraftConstraint(
            grammar: isLong ? String(repeating: "₿", count: WireLimits.grammarBytes / 3) + "g" : "g" + text(500),
            beginning: DraftConstraint.Beginning.allCases.pick(&random),
            promptLength: number(1...baseLength)
        )
    }

    private mutating func base() -> Message.Base {
        let tokens = (0..<number(1...2000)).map { _ in token() }
        return Message.Base(request: id(), offset: number(1...WireLimits.baseLength - tokens.count), tokens: tokens)
    }

    private mutating func sampling() -> SamplingParameters {
        let biased = Set((0..<number(0...20)).map { _ in token() }).sorted()
        return SamplingParameters(
            temperature: Bool.random(using: &random) ? 0 : Float.random(in: 0.001...100, using: &random),
            topK: number(0...Int(Int32.max)),
            topP: Float.random(in: 0.001...1, using: &random),
            minP: Float.random(in: 0...1, using: &random),
            repetitionPenalty: Float.random(in: 0.01...100, using: &random),
            frequencyPenalty: Float.random(in: -2...2, using: &random),
            presencePenalty: Float.random(in: -2...2, using: &random),
            repeatLastN: number(-1...Int(Int32.max)),
            logitBias: biased.map {
                SamplingParameters.LogitBias(token: $0, bias: Float.random(in: -100...100, using: &random))
            },
            seed: random.next()
        )
    }

    private mutating func tree() -> Message.Tree {
        let count = number(0...200)
        let firstNode = Bool.random(using: &random) ? 0 : number(0...312)
        return Message.Tree(
            request: id(),
            epoch: random.next(),
            baseLength: number(1...WireLimits.baseLength),
            baseHash: BaseHash(rawValue: random.next()),
            firstNode: firstNode,
            nodes: distinct(nodes(count: count, firstNode: firstNode)),
            isFinal: Bool.random(using: &random)
        )
    }

    private mutating func verifying() -> Message.Verifying {
        Message.Verifying(
            request: id(),
            epoch: random.next(),
            baseLength: number(1...WireLimits.baseLength),
            baseHash: BaseHash(rawValue: random.next()),
            nodes: nodes(count: number(0...512)).map { Message.Verifying.Node(parent: $0.parent, token: $0.token) }
        )
    }

    private mutating func verdict() -> Message.Verdict {
        let tokens = (0..<number(1...33)).map { _ in token() }
        let verified = number(0...512)
        var verdict = Message.Verdict(
            request: id(),
            epoch: id(),
            baseLength: number(tokens.count + 1...WireLimits.baseLength),
            baseHash: BaseHash(rawValue: random.next()),
            tokens: tokens,
            verifiedNodes: verified,
            acceptedNodes: number(0...min(verified, tokens.count - 1)),
            credit: number(0...512),
            limits: Bool.random(using: &random) ? nil : draftLimits(),
            shard: Bool.random(using: &random) ? nil : OutcomeShard(index: number(0...3), count: number(4...64))
        )
        verdict.rest = DraftRestReason.allCases.randomElement(using: &random) ?? .unspecified
        return verdict
    }

    private mutating func features() -> Message.Features {
        let (rows, width) = (number(1...20), number(1...20))
        let values = (0..<rows * width * Self.demand.taps.count).map { _ in
            Float16(bitPattern: UInt16(number(0...0x7bff)) | (Bool.random(using: &random) ? 0x8000 : 0))
        }
        let position = number(0...WireLimits.baseLength - rows)
        return Message.Features(
            request: id(),
            block: FeatureBlock(position: position, taps: Self.demand.taps, width: width, values: values),
            format: Self.demand.format
        )
    }

    private mutating func draftLimits() -> DraftLimits {
        DraftLimits(
            nodes: number(1...512),
            depth: number(1...32),
            width: number(1...64),
            surprisal: number(0...65_535)
        )
    }

    private mutating func fingerprint(version: Int) -> ModelFingerprint {
        let size = number(1...1_048_576)
        let isOld = version < 2 && Bool.random(using: &random)
        return ModelFingerprint(
            tokenizerHash: bytes(32),
            vocabularySize: size,
            tokens: isOld ? nil : ModelFingerprint.Tokens(hash: bytes(32), count: number(1...size)),
            model: text(256)
        )
    }

    /// Returns no nodes if two children of an earlier message's node happen to be equal.
    private func distinct(_ nodes: [TokenTree.Node]) -> [TokenTree.Node] {
        let keys = nodes.map { [UInt64(($0.parent ?? -1) + 1), UInt64($0.token)] }
        return Set(keys).count == nodes.count ? nodes : []
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: range.lowerBound
        case 1: range.upperBound
        default: Int.random(in: range, using: &random)
        }
    }

    private mutating func token() -> Token {
        Token(number(0...Self.vocabularySize - 1))
    }

    private mutating func id() -> UInt64 {
        Bool.random(using: &random) ? UInt64(number(1...100)) : UInt64.random(in: 1...UInt64.max, using: &random)
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// At most `limit` bytes of text from several scripts.
    private mutating func text(_ limit: Int) -> String {
        let alphabet = ["a", "Z", " ", "ü", "₿", "語", "🚴", "\n", "e\u{301}"]
        var text = ""
        for _ in 0..<number(0...limit) {
            let character = alphabet.pick(&random)
            guard text.utf8.count + character.utf8.count <= limit else { break }
            text += character
        }
        return text
    }
}

extension Array {
    fileprivate func pick(_ random: inout SplitMix) -> Element {
        self[Int.random(in: 0..<count, using: &random)]
    }
}
