import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@Suite("Message limits")
struct MessageValidationTests {
    private typealias Problem = MessageError.Problem

    @Test("a hello within its limits is read, and each limit is enforced")
    func hello() {
        let good = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1).bytes(4, Array("w".utf8)).fixed64(5, 7)
            .varint(8, 1)
        expect(.hello, good, nil)
        expect(.hello, good.varint(1, 0), .outOfRange(field: "minimum_version", found: 0, allowed: 1...1))
        expect(.hello, good.varint(1, 2), .outOfRange(field: "minimum_version", found: 2, allowed: 1...1))
        expect(.hello, good.varint(2, 0), .outOfRange(field: "maximum_version", found: 0, allowed: 1...65_535))
        expect(
            .hello,
            good.varint(2, 65_536),
            .outOfRange(field: "maximum_version", found: 65_536, allowed: 1...65_535)
        )
        expect(.hello, good.varint(3, 0), .outOfRange(field: "role", found: 0, allowed: 1...2))
        expect(.hello, good.varint(3, 3), .outOfRange(field: "role", found: 3, allowed: 1...2))
        expect(.hello, good.bytes(4, []), .empty(field: "name"))
        let longName = [UInt8](repeating: 0x61, count: 129)
        expect(.hello, good.bytes(4, longName), .byteCount(field: "name", found: 129, allowed: "at most 128"))
        expect(.hello, good.bytes(4, [0x61, 0xff]), .notText(field: "name"))
        expect(.hello, good.fixed64(5, 0), .zero(field: "incarnation"))
        expect(.hello, good.varint(8, 0), .outOfRange(field: "slots", found: 0, allowed: 1...1024))
        expect(.hello, good.varint(8, 1025), .outOfRange(field: "slots", found: 1025, allowed: 1...1024))
        let nonce = [UInt8](repeating: 9, count: 32)
        expect(.hello, good.bytes(10, nonce), nil)
        expect(.hello, good.bytes(10, [1]), .byteCount(field: "nonce", found: 1, allowed: "0 or 32"))
        expect(.hello, good.bytes(10, nonce + [1]), .byteCount(field: "nonce", found: 33, allowed: "at most 32"))
    }

    @Test("a fingerprint needs a whole hash and a vocabulary of a possible size")
    func fingerprint() {
        let hash = [UInt8](repeating: 1, count: 32)
        let hello = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1).bytes(4, [0x77]).fixed64(5, 7).varint(8, 1)
        let good = ProtobufPayload().bytes(1, hash).varint(2, 100)
        let sizes = 1...1_048_576
        expect(.hello, hello.message(6, good), nil)
        expect(
            .hello,
            hello.message(6, ProtobufPayload().varint(2, 100)),
            .byteCount(field: "tokenizer_hash", found: 0, allowed: "32")
        )
        for (size, found) in [(UInt64(0), 0), (1_048_577, 1_048_577), (UInt64(UInt32.max), Int(UInt32.max))] {
            expect(
                .hello,
                hello.message(6, good.varint(2, size)),
                .outOfRange(field: "vocabulary_size", found: found, allowed: sizes)
            )
        }
        let label = [UInt8](repeating: 0x61, count: 257)
        expect(
            .hello,
            hello.message(6, good.bytes(3, label)),
            .byteCount(field: "model", found: 257, allowed: "at most 256")
        )
    }

    @Test("a peer that speaks version 2 must send its token hash; an older one need not")
    func tokenFingerprint() {
        let hash = [UInt8](repeating: 1, count: 32)
        let old = ProtobufPayload().bytes(1, hash).varint(2, 100)
        let good = old.bytes(4, hash).varint(5, 90)
        let hello = { (versions: ClosedRange<UInt64>, fingerprint: ProtobufPayload) in
            ProtobufPayload().varint(1, versions.lowerBound).varint(2, versions.upperBound).varint(3, 1)
                .bytes(4, [0x77]).fixed64(5, 7).varint(8, 1).message(6, fingerprint)
        }
        let welcome = { (version: UInt64, fingerprint: ProtobufPayload) in
            ProtobufPayload().varint(1, version).bytes(2, [0x76]).fixed64(3, 7).varint(6, 10).varint(7, 20)
                .message(4, fingerprint)
                .message(8, ProtobufPayload().varint(1, 65_536).varint(2, 4096).varint(3, 1).varint(4, 1).varint(5, 1))
        }
        for (version, fingerprint) in [(UInt64(1), old), (1, good), (2, good), (3, good)] {
            expect(.hello, hello(1...version, fingerprint), nil)
            expect(.welcome, welcome(version, fingerprint), nil)
        }
        let counts = 1...100
        let wrong: [(ProtobufPayload, Problem)] = [
            (old, .missing(field: "vocabulary_hash")),
            (old.varint(5, 90), .byteCount(field: "vocabulary_hash", found: 0, allowed: "32")),
            (good.bytes(4, [1]), .byteCount(field: "vocabulary_hash", found: 1, allowed: "32")),
            (old.bytes(4, hash), .outOfRange(field: "token_count", found: 0, allowed: counts)),
            (good.varint(5, 101), .outOfRange(field: "token_count", found: 101, allowed: counts)),
        ]
        for (fingerprint, problem) in wrong {
            expect(.hello, hello(1...2, fingerprint), problem)
            expect(.hello, hello(2...2, fingerprint), problem)
            expect(.welcome, welcome(2, fingerprint), problem)
        }
    }

    @Test("challenges and proofs are 32 bytes")
    func digests() {
        let digest = [UInt8](repeating: 1, count: 32)
        expect(.challenge, ProtobufPayload().varint(1, 1).bytes(2, digest), nil)
        expect(.challenge, ProtobufPayload().varint(1, 1), .byteCount(field: "nonce", found: 0, allowed: "32"))
        expect(
            .challenge,
            ProtobufPayload().bytes(2, digest),
            .outOfRange(field: "version", found: 0, allowed: 1...65_535)
        )
        expect(.authenticate, ProtobufPayload().bytes(1, digest), nil)
        expect(.authenticate, ProtobufPayload(), .byteCount(field: "proof", found: 0, allowed: "32"))
    }

    @Test("a welcome needs a target, and feasible deadlines and limits")
    func welcome() {
        let fingerprint = ProtobufPayload().bytes(1, [UInt8](repeating: 1, count: 32)).varint(2, 100)
        let limits = ProtobufPayload().varint(1, 65_536).varint(2, 4096).varint(3, 1).varint(4, 1).varint(5, 1)
        let bare = ProtobufPayload().varint(1, 1).bytes(2, [0x76]).fixed64(3, 7).varint(6, 10).varint(7, 20)
        let good = bare.message(4, fingerprint).message(8, limits)
        expect(.welcome, good, nil)
        expect(.welcome, bare.message(8, limits), .missing(field: "fingerprint"))
        expect(.welcome, bare.message(4, fingerprint), .missing(field: "limits"))
        expect(.welcome, good.varint(6, 9), .outOfRange(field: "heartbeat_ms", found: 9, allowed: 10...60_000))
        expect(
            .welcome,
            good.varint(6, 60_001),
            .outOfRange(field: "heartbeat_ms", found: 60_001, allowed: 10...60_000)
        )
        expect(.welcome, good.varint(7, 19), .outOfRange(field: "dead_after_ms", found: 19, allowed: 20...600_000))
        let fields: [(Int, String, ClosedRange<Int>)] = [
            (1, "limits.frame_payload", 65_536...1_048_576), (2, "limits.tree_payload", 4096...65_536),
            (3, "limits.tree_nodes", 1...512), (4, "limits.tree_depth", 1...32), (5, "limits.requests", 1...1024),
        ]
        for (number, field, allowed) in fields {
            for found in [allowed.lowerBound - 1, allowed.upperBound + 1, Int(UInt32.max)] {
                let changed = bare.message(4, fingerprint).message(8, limits.varint(number, UInt64(found)))
                expect(.welcome, changed, .outOfRange(field: field, found: found, allowed: allowed))
            }
        }
    }

    @Test("an open needs tokens of the vocabulary and parameters in range")
    func open() {
        let sampling = ProtobufPayload().float(1, 1).float(3, 1).float(5, 1)
        let limits = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1)
        let bare = ProtobufPayload().varint(1, 1).packed(3, [5, 6]).varint(9, 2)
        let good = bare.message(5, ProtobufPayload()).message(7, limits)
        let full = bare.message(5, sampling).message(7, limits)
        expect(.open, full, nil)
        expect(
            .open,
            good,
            .sampling(.outOfRange(name: "top_p", value: "0.0", allowed: "above 0 and at most 1"))
        )
        expect(.open, bare.message(7, limits), .missing(field: "sampling"))
        expect(.open, bare.message(5, sampling), .missing(field: "limits"))
        expect(.open, full.varint(1, 0), .zero(field: "request"))
        expect(.open, full.packed(3, [49_152]), .tree(.tokenOutOfVocabulary(token: 49_152, vocabularySize: 49_152)))
        expect(.open, full.varint(9, 1), .outOfRange(field: "length_limit", found: 1, allowed: 2...Int(UInt32.max)))
        expect(.open, full.varint(5, 0), .wireType(field: "sampling", found: .varint, expected: .lengthPrefixed))
        expect(.open, full.message(8, ProtobufPayload()), .outOfRange(field: "shard.count", found: 0, allowed: 1...64))
        expect(.open, full.bytes(11, [UInt8](repeating: 1, count: 16)).bytes(12, Array("req-1".utf8)), nil)
        expect(
            .open,
            full.bytes(11, [1, 2]),
            .byteCount(field: "trace_id", found: 2, allowed: "0 or 16")
        )
        expect(.open, full.bytes(11, [UInt8](repeating: 0, count: 16)), .zero(field: "trace_id"))
        let long = full.bytes(12, [UInt8](repeating: 0x61, count: 129))
        expect(.open, long, .byteCount(field: "request_id", found: 129, allowed: "at most 128"))
        let shard = ProtobufPayload().varint(1, 4).varint(2, 4)
        expect(.open, full.message(8, shard), .outOfRange(field: "shard.index", found: 4, allowed: 0...3))
        let noTokens = ProtobufPayload().varint(1, 1).message(5, sampling).message(7, limits)
        expect(.open, noTokens, .outOfRange(field: "the count of base_tokens", found: 0, allowed: 1...262_144))
    }

    @Test("a base that is too long is refused before it is copied")
    func longBase() {
        let tokens = [UInt64](repeating: 0, count: 262_145)
        let problem = Problem.outOfRange(field: "the count of base_tokens", found: 262_145, allowed: 0...262_144)
        expect(.open, ProtobufPayload().varint(1, 1).packed(3, tokens), problem)
    }

    @Test("a base may come in parts in version 2 only")
    func parts() {
        let open = ProtobufPayload().varint(1, 1).packed(3, [5, 6]).varint(9, 16_777_216)
            .message(5, ProtobufPayload().float(1, 1).float(3, 1).float(5, 1))
            .message(7, ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1))
        let lengths = 2...16_777_216
        expect(.open, open.varint(10, 2), nil)
        expect(.open, open.varint(10, 16_777_216), nil)
        expect(.open, open.varint(10, 1), .outOfRange(field: "base_length", found: 1, allowed: lengths))
        let tooLong = open.varint(10, 16_777_217)
        expect(.open, tooLong, .outOfRange(field: "base_length", found: 16_777_217, allowed: lengths))
        let limit = open.varint(10, 9).varint(9, 8)
        expect(.open, limit, .outOfRange(field: "length_limit", found: 8, allowed: 9...Int(UInt32.max)))
        expect(.open, open.varint(10, 1), nil, in: RandomMessages.established(version: 1))

        let base = ProtobufPayload().varint(1, 1).varint(2, 2).packed(3, [5])
        expect(.base, base, nil)
        expect(.base, base.varint(1, 0), .zero(field: "request"))
        expect(.base, base.varint(2, 16_777_215), nil)
        for found in [0, 16_777_216, Int(UInt32.max)] {
            let offset = base.varint(2, UInt64(found))
            expect(.base, offset, .outOfRange(field: "offset", found: found, allowed: 1...16_777_215))
        }
        expect(.base, base.packed(3, [49_152]), .tree(.tokenOutOfVocabulary(token: 49_152, vocabularySize: 49_152)))
        let many = ProtobufPayload().varint(1, 1).packed(3, [UInt64](repeating: 0, count: 262_145))
        expect(.base, many, .outOfRange(field: "the count of tokens", found: 262_145, allowed: 0...262_144))
    }

    @Test("version 1 has no base of more than 262,144 tokens and no message for the rest of one")
    func versionOne() throws {
        let old = RandomMessages.established(version: 1)
        let tree = ProtobufPayload().varint(1, 1).varint(3, 262_145)
        expect(.tree, tree, nil)
        expect(.tree, tree, .outOfRange(field: "base_length", found: 262_145, allowed: 1...262_144), in: old)
        var messages = RandomMessages(seed: 5)
        let base = messages.message(.base)
        #expect(throws: WireError.frame(.typeNotAllowed(.base))) { try Wire.bytes(of: [base], phase: old) }
        let frame = try Wire.bytes(of: [base])
        #expect(Wire.read(frame, phase: old).error == .frame(.typeNotAllowed(.base)))
        guard case .open(var open) = messages.message(.open) else { return }
        (open.baseLength, open.lengthLimit) = (open.base.count + 1, open.base.count + 1)
        let count = open.base.count
        let part = Problem.outOfRange(field: "base_length", found: count + 1, allowed: count...count)
        #expect(throws: WireError.message(MessageError(type: .open, problem: part))) {
            try Wire.bytes(of: [.open(open)], phase: old)
        }
    }

    @Test("sampling parameters must be valid for the verifier itself")
    func sampling() {
        let sampling = ProtobufPayload().float(1, 1).float(3, 1).float(5, 1)
        let limits = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1)
        func open(_ sampling: ProtobufPayload) -> ProtobufPayload {
            ProtobufPayload().varint(1, 1).packed(3, [5]).varint(9, 2).message(5, sampling).message(7, limits)
        }
        for value in [Float.nan, .infinity, -1, 101] {
            expect(
                .open,
                open(sampling.float(1, value)),
                .sampling(
                    .outOfRange(name: "temperature", value: "\(value)", allowed: "0 (greedy) or from 0.001 to 100")
                )
            )
        }
        let bias = [UInt8](repeating: 0, count: 8)
        expect(.open, open(sampling.packed(9, [3, 4]).bytes(10, bias)), nil)
        expect(.open, open(sampling.packed(9, [4, 3]).bytes(10, bias)), .notAscending(field: "bias_tokens"))
        expect(
            .open,
            open(sampling.packed(9, [3, 3]).bytes(10, bias)),
            .sampling(.duplicateLogitBias(token: 3))
        )
        expect(
            .open,
            open(sampling.packed(9, [3]).bytes(10, bias)),
            .unequalCounts(field: "bias_values", count: 2, other: "bias_tokens", otherCount: 1)
        )
    }

    @Test("nodes of a tree need earlier parents, distinct siblings, known tokens and a bounded depth")
    func tree() {
        let root = ProtobufPayload().varint(1, 1).varint(3, 1)
        func tree(_ parents: [UInt64], _ tokens: [UInt64], _ surprisals: [UInt64], first: UInt64 = 0) -> ProtobufPayload
        {
            root.varint(5, first).packed(6, parents).packed(7, tokens).packed(8, surprisals)
        }
        expect(.tree, root, nil)
        expect(.tree, tree([1, 1, 3], [5, 5, 6], [0, 0, 65_535]), nil)
        expect(
            .tree,
            tree([1], [5, 6], [0, 0]),
            .unequalCounts(field: "parents", count: 1, other: "tokens", otherCount: 2)
        )
        expect(.tree, tree([1], [5], []), .unequalCounts(field: "surprisals", count: 0, other: "tokens", otherCount: 1))
        expect(.tree, tree([0], [5], [0]), .outOfRange(field: "a parent's distance", found: 0, allowed: 1...1))
        expect(.tree, tree([2], [5], [0]), .outOfRange(field: "a parent's distance", found: 2, allowed: 1...1))
        expect(.tree, tree([9], [5], [0], first: 8), nil)
        expect(
            .tree,
            tree([10], [5], [0], first: 8),
            .outOfRange(field: "a parent's distance", found: 10, allowed: 1...9)
        )
        expect(.tree, tree([1], [5], [65_536]), .outOfRange(field: "a surprisal", found: 65_536, allowed: 0...65_535))
        expect(.tree, tree([1, 2], [5, 5], [0, 0]), .tree(.duplicateSibling(parent: nil, token: 5)))
        expect(.tree, tree([3, 4], [5, 5], [0, 0], first: 8), .tree(.duplicateSibling(parent: 5, token: 5)))
        expect(.tree, tree([1], [49_152], [0]), .tree(.tokenOutOfVocabulary(token: 49_152, vocabularySize: 49_152)))
        let chain = [UInt64](repeating: 1, count: 33)
        expect(.tree, tree(chain, chain, chain), .tree(.tooDeep(depth: 33, limit: 32)))
        expect(.tree, tree(Array(chain[1...]), Array(chain[1...]), Array(chain[1...])), nil)
        // Below a node of an earlier message, whose depth is at least 1.
        let below = Array(chain[2...])
        expect(.tree, tree(below, below, below, first: 1), nil)
        let tooLong = Array(chain[1...])
        expect(.tree, tree(tooLong, tooLong, tooLong, first: 1), .tree(.tooDeep(depth: 33, limit: 32)))
        expect(.tree, tree([1], [5], [0], first: 511), nil)
        expect(.tree, tree([1], [5], [0], first: 512), .tree(.tooManyNodes(limit: 512)))
        expect(.tree, tree([1], [5], [0], first: 513), .outOfRange(field: "first_node", found: 513, allowed: 0...512))
        expect(.tree, root.varint(3, 0), .outOfRange(field: "base_length", found: 0, allowed: 1...16_777_216))
        expect(.tree, root.varint(1, 0), .zero(field: "request"))
    }

    @Test("the agreed limits apply to trees too")
    func agreedTreeLimits() {
        let limits = LinkLimits(framePayload: 65_536, treePayload: 4096, treeNodes: 4, treeDepth: 2, requests: 1)
        let phase = LinkPhase.established(limits: limits, vocabularySize: 10, version: 2)
        let root = ProtobufPayload().varint(1, 1).varint(3, 1)
        let nodes = root.packed(6, [1, 2, 3, 4, 5]).packed(7, [1, 2, 3, 4, 5]).packed(8, [1, 2, 3, 4, 5])
        expect(.tree, nodes, .outOfRange(field: "the count of parents", found: 5, allowed: 0...4), in: phase)
        let chain = root.packed(6, [1, 1, 1]).packed(7, [1, 2, 3]).packed(8, [1, 2, 3])
        expect(.tree, chain, .tree(.tooDeep(depth: 3, limit: 2)), in: phase)
        let token = root.packed(6, [1]).packed(7, [10]).packed(8, [1])
        expect(.tree, token, .tree(.tokenOutOfVocabulary(token: 10, vocabularySize: 10)), in: phase)
    }

    @Test("a verdict commits at least one token, and accepts no more than it verified")
    func verdict() {
        let good = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 3).packed(5, [7, 8])
        expect(.verdict, good.varint(6, 1).varint(7, 1), nil)
        expect(.verdict, good.varint(2, 0), .zero(field: "epoch"))
        expect(.verdict, good.varint(3, 2), .outOfRange(field: "base_length", found: 2, allowed: 3...16_777_216))
        expect(.verdict, good.varint(7, 1), .outOfRange(field: "accepted_nodes", found: 1, allowed: 0...0))
        expect(
            .verdict,
            good.varint(6, 9).varint(7, 2),
            .outOfRange(field: "accepted_nodes", found: 2, allowed: 0...1)
        )
        let none = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 3)
        expect(.verdict, none, .outOfRange(field: "the count of tokens", found: 0, allowed: 1...33))
        let many = none.packed(5, [UInt64](repeating: 1, count: 34))
        expect(.verdict, many, .outOfRange(field: "the count of tokens", found: 34, allowed: 0...33))
        expect(.verdict, good.varint(8, 513), .outOfRange(field: "credit", found: 513, allowed: 0...512))
        expect(
            .verdict,
            good.message(9, ProtobufPayload().varint(1, 1).varint(2, 1)),
            .outOfRange(field: "limits.width", found: 0, allowed: 1...64)
        )
    }

    @Test("an unpacked array is accepted too")
    func unpackedArrays() {
        let tree = ProtobufPayload().varint(1, 1).varint(3, 1).varint(6, 1).varint(6, 1).varint(7, 5).varint(7, 6)
            .varint(8, 0).varint(8, 0)
        expect(.tree, tree, nil)
    }

    private func expect(
        _ type: MessageType,
        _ payload: ProtobufPayload,
        _ problem: Problem?,
        in phase: LinkPhase? = nil,
        at location: SourceLocation = #_sourceLocation
    ) {
        let frame = Frame(type: type, sequence: 1, payload: ByteBuffer(bytes: payload.bytes))
        let decoder = MessageDecoder(phase: phase ?? RandomMessages.phase(of: type))
        do {
            let message = try decoder.decode(frame)
            #expect(problem == nil, "\(message) should have been refused", sourceLocation: location)
        } catch {
            #expect(error.type == type, sourceLocation: location)
            #expect(error.problem == problem, sourceLocation: location)
        }
    }
}
