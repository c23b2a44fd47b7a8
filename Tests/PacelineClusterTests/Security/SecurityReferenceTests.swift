import NIOCore
import PacelineSimulation
import PacelineSpeculation
import Testing

@testable import PacelineCluster
@testable import PacelineWire

/// Holes that were found in other systems, and the rules that keep them out of the draft link. `Protocols/SECURITY.md`
/// lists them.
@Suite("Security references: the link")
struct LinkSecurityReferenceTests {
    // MARK: Nothing from the wire selects memory

    @Test("CVE-2024-42479: a number from the wire selects no place to write to")
    func placesToWrite() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let request = workers.submit([5, 6], count: 40)
        try workers.step()
        for first in [1, 2, 255, 510, 511] {
            try workers.send([3], below: request, from: id, firstNode: first)
        }
        #expect(workers.machine.snapshot.trees.current == 0, "a delta continues what was sent, or is nothing")
        for _ in 0..<60 { try workers.step() }
        #expect(workers.tokens[request] == MockText.plain(prompt: [5, 6], seed: 9, count: 40))
    }

    @Test(
        "CVE-2024-42478, CVE-2024-42477: nothing that a worker may send asks for memory: a pong has the ping's number"
    )
    func placesToRead() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let request = workers.submit([5, 6], count: 40)
        try workers.step()
        _ = workers.hear(id)
        let questions: [Message] = [
            .ping(Message.Ping(number: 77, lastReceived: .max)),
            .close(Message.Close(request: 1 << 60, reason: .failed)),
            .close(Message.Close(request: request.rawValue, reason: .failed)),
            .drain(Message.Drain(graceMilliseconds: 0, reason: "")),
        ]
        for question in questions { try workers.send(question, from: id) }
        let answers = workers.hear(id)
        let expected: [Message] = [
            .pong(Message.Pong(number: 77, lastReceived: 2)),
            .close(Message.Close(request: request.rawValue, reason: .reassigned)),
        ]
        #expect(answers == expected, "\(answers)")
    }

    @Test("llama.cpp #24292: a request that is over cannot be used, not even by a worker that it was open at")
    func lifetimes() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        let request = workers.submit([5, 6], count: 3)
        try workers.step()
        let tree = { (request: RequestID) in
            Message.tree(
                Message.Tree(
                    request: request.rawValue,
                    epoch: 0,
                    baseLength: 2,
                    baseHash: BaseHash([5, 6]),
                    firstNode: 0,
                    nodes: [TokenTree.Node(parent: nil, token: 1, logProbability: -1)],
                    isFinal: false
                )
            )
        }
        while !workers.machine.isIdle { try workers.step() }
        try workers.send(tree(request), from: id)
        try workers.send(tree(RequestID(rawValue: .max)), from: id)
        #expect(workers.machine.snapshot.trees.stale == 2 && workers.faults[id] == nil)
        // Nor does a later request see what was sent for an earlier one.
        let later = workers.submit([5, 6], count: 3)
        while !workers.machine.isIdle { try workers.step() }
        #expect(workers.tokens[later] == workers.tokens[request])
        #expect(workers.snapshot(of: id)?.draftTokens == 0)
    }

    // MARK: Bounds

    @Test("CVE-2026-118375: whoever has not finished the handshake gets four kilobytes, whatever a header announces")
    func handshakeMemory() throws {
        for announced: UInt32 in [4097, 256 << 10, 1 << 20, .max] {
            var pair = LinkPair()
            pair.connect(.verifier)
            var header = try WireTap.frame(.hello(LinkPair.hello())).getSlice(at: 0, length: 12) ?? ByteBuffer()
            header.writeInteger(announced, endianness: .little)
            header.writeRepeatingByte(0, count: 12)
            pair.handle(.verifier, .received(header))
            #expect(pair.fault(.verifier)?.reportedCode == .badFrame, "\(announced)")
            pair.handle(.verifier, .received(ByteBuffer(repeating: 0xaa, count: 1 << 18)))
            #expect(pair.verifier.codec.reader.buffer.readableBytes <= 28 + 4096)
        }
    }

    @Test("CVE-2025-30202: a peer that does not read is cut off, and holds up nobody")
    func idleSubscribers() throws {
        let workers = try ScriptedWorkers { $0.link.writeTimeout = .seconds(2) }
        let idle = try workers.connect(from: "10.0.0.1", incarnation: 7, readsNothing: true)
        let other = try workers.connect(from: "10.0.0.2", incarnation: 8)
        let request = workers.submit([5, 6], count: 200)
        for _ in 0..<20 { try workers.step() }
        let before = workers.tokens[request]?.count ?? 0
        #expect(before >= 19, "nothing waits for a worker that does not read")
        workers.wait(.seconds(2))
        guard case .writeStalled = workers.faults[idle] else {
            Issue.record("\(String(describing: workers.faults[idle]))")
            return
        }
        #expect(workers.faults[other] == nil)
        for _ in 0..<300 { try workers.step() }
        #expect(workers.tokens[request] == MockText.plain(prompt: [5, 6], seed: 9, count: 200))
    }

    @Test(
        "CVE-2019-9512, CVE-2019-9514, CVE-2019-9515: a flood of control messages is answered a bounded number of times"
    )
    func controlFloods() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 7)
        _ = workers.hear(id)
        for number in 1...40 as ClosedRange<UInt64> {
            try workers.send(.ping(Message.Ping(number: number, lastReceived: 0)), from: id)
        }
        let pongs = workers.hear(id).count { if case .pong = $0 { true } else { false } }
        #expect(pongs == LinkConfiguration().pingLimit)
        #expect(workers.faults[id] == .violation("more than 32 pings came within one heartbeat"))
    }

    @Test("CVE-2019-9516, CVE-2019-9518: empty messages in any number neither keep a turn nor pile up")
    func emptyFloods() throws {
        var pair = LinkPair.established()
        for _ in 0..<5000 { pair.handle(.worker, .send(.drain(Message.Drain(graceMilliseconds: 0, reason: "")))) }
        _ = pair.deliver(to: .verifier)
        #expect(pair.delivered(.verifier).count == pair.verifier.configuration.messagesPerTurn)
        #expect((pair.effects[.verifier] ?? []).contains(.pauseReading))
    }

    // MARK: No trap

    @Test("CVE-2021-36153, CVE-2022-24777: any message in any state of a link is an error or a message, never a trap")
    func states() throws {
        let types = MessageType.allCases
        let frames = try types.map { type in
            try WireTap.frame(Self.message(type), sequence: 1, phase: Self.phase(of: type))
        }
        for (type, frame) in zip(types, frames) {
            var fresh = LinkPair()
            fresh.handle(.verifier, .received(frame))
            fresh.connect(.verifier)
            fresh.handle(.verifier, .received(frame))
            var worker = LinkPair()
            worker.connect(.worker)
            worker.handle(.worker, .received(frame))
            if type != .hello { #expect(fresh.fault(.verifier) != nil, "\(type)") }
            #expect(type == .welcome || worker.fault(.worker) != nil, "\(type)")
        }
        var pair = LinkPair.established()
        pair.connect()
        pair.handle(.verifier, .received(ByteBuffer()))
        pair.handle(.verifier, .timer)
        #expect(pair.fault(.verifier) == .internal("a connection came up twice"))
    }

    private static func phase(of type: MessageType) -> LinkPhase {
        switch type {
        case .hello, .challenge, .authenticate, .welcome: .handshake
        default:
            .established(
                limits: .maximum,
                vocabularySize: MockText.vocabularySize,
                version: 2,
                features: FeatureDemand(taps: [.lastOutput])
            )
        }
    }

    private static func message(_ type: MessageType) -> Message {
        let (digest, hash) = ([UInt8](repeating: 1, count: 32), BaseHash())
        return switch type {
        case .hello: .hello(LinkPair.hello())
        case .challenge: .challenge(Message.Challenge(version: 2, nonce: digest))
        case .authenticate: .authenticate(Message.Authenticate(proof: digest))
        case .welcome:
            .welcome(
                Message.Welcome(
                    version: 2,
                    name: "v",
                    incarnation: 1,
                    fingerprint: LinkPair.fingerprint,
                    capabilities: []
                )
            )
        case .open:
            .open(
                Message.Open(
                    request: 1,
                    epoch: 0,
                    base: [1],
                    baseHash: BaseHash([1]),
                    sampling: .greedy,
                    credit: 1,
                    limits: DraftLimits(nodes: 1, depth: 1, width: 1),
                    shard: .whole,
                    lengthLimit: 9
                )
            )
        case .base: .base(Message.Base(request: 1, offset: 1, tokens: [1]))
        case .tree:
            .tree(
                Message.Tree(
                    request: 1,
                    epoch: 0,
                    baseLength: 1,
                    baseHash: hash,
                    firstNode: 0,
                    nodes: [],
                    isFinal: true
                )
            )
        case .verifying:
            .verifying(Message.Verifying(request: 1, epoch: 0, baseLength: 1, baseHash: hash, nodes: []))
        case .verdict:
            .verdict(
                Message.Verdict(
                    request: 1,
                    epoch: 1,
                    baseLength: 2,
                    baseHash: hash,
                    tokens: [1],
                    verifiedNodes: 0,
                    acceptedNodes: 0,
                    credit: 0
                )
            )
        case .features:
            .features(
                Message.Features(
                    request: 1,
                    block: FeatureBlock(position: 0, taps: [.lastOutput], width: 1, values: [1]),
                    format: .float16
                )
            )
        case .close: .close(Message.Close(request: 1, reason: .finished))
        case .ping: .ping(Message.Ping(number: 1, lastReceived: 0))
        case .pong: .pong(Message.Pong(number: 1, lastReceived: 0))
        case .drain: .drain(Message.Drain(graceMilliseconds: 0, reason: ""))
        case .fault: .fault(Message.Fault(code: .limit, reason: ""))
        }
    }

    // MARK: Who may

    @Test("CVE-2023-48022, CVE-2025-34351, CVE-2025-32444: workers from other machines need a token or a certificate")
    func openAddresses() throws {
        for host in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"] {
            let endpoint = Endpoint(host: host, port: 7411)
            #expect(throws: ShellError.openLink(address: "\(endpoint)")) {
                try VerifierListener.resolve(endpoint, isAuthenticated: false)
            }
            _ = try VerifierListener.resolve(endpoint, isAuthenticated: true)
        }
        for host in ["127.0.0.1", "::1"] {
            _ = try VerifierListener.resolve(Endpoint(host: host, port: 7411), isAuthenticated: false)
        }
    }

    @Test("CVE-2025-46570: what one tenant had computed is never found by another, nor under another salt")
    func cacheTiming() throws {
        let cluster = try MachineCluster(target: .tiny(), engine: try TransformerEngineTests.engine(threads: 1))
        let cached = { (tenant: String, salt: String?) -> Int? in
            var request = GenerationRequest(
                prompt: Array(TransformerEngineTests.text.prefix(200)),
                sampling: .greedy,
                maximumTokens: 2
            )
            (request.tenant, request.cacheSalt) = (Tenant(rawValue: tenant), salt)
            return cluster.answer(request).summary?.cachedTokens
        }
        #expect(cached("a", nil) == 0)
        #expect(cached("b", nil) == 0)
        #expect(cached("a", "salt") == 0)
        #expect(cached("b", "salt") == 0)
        #expect(cached("a", nil) ?? 0 > 100, "the cache works")
        #expect(cached("a", "salt") ?? 0 > 100)
    }
}
