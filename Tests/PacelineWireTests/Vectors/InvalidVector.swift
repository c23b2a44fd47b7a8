import PacelineSpeculation
import PacelineWire

/// Bytes that every implementation must refuse, as the first frame of a connection in the given phase.
struct InvalidVector {
    var name: String
    var bytes: [UInt8]
    var phase: LinkPhase
    var error: WireError

    func record() throws {
        let version = phase.version == 1 ? "" : " in version \(phase.version)"
        let taps = phase.features.map { " and \($0.taps.count) taps in \($0.format)" } ?? ""
        let established = "after the handshake\(version), with a vocabulary of 49,152\(taps)"
        let state = phase == .handshake ? "before the handshake" : established
        try VectorFile(name: name).write(bytes, title: "\(state): \(error)")
    }

    private init(_ name: String, _ bytes: [UInt8], _ error: WireError, in phase: LinkPhase? = nil) {
        self.name = "invalid/" + name
        self.bytes = bytes
        self.error = error
        self.phase = phase ?? RandomMessages.established(version: 1)
    }

    static let all: [InvalidVector] =
        framing + trees + protobuf + bases + constraints + features + [
            InvalidVector(
                "welcome-too-late",
                Wire.frame(.welcome, payload: []),
                .frame(.typeNotAllowed(.welcome))
            ),
            InvalidVector(
                "tree-too-early",
                Wire.frame(.tree, payload: []),
                .frame(.typeNotAllowed(.tree)),
                in: .handshake
            ),
            InvalidVector(
                "protobuf-cut",
                Wire.frame(.ping, payload: [0x08]),
                .message(MessageError(type: .ping, problem: .malformed))
            ),
            InvalidVector(
                "ping-number-zero",
                Wire.frame(.ping, payload: []),
                .message(MessageError(type: .ping, problem: .zero(field: "number")))
            ),
        ]

    private static let framing: [InvalidVector] = {
        let ping = MessageType.ping.rawValue
        let good = Wire.frame(.ping, payload: [0x08, 0x01])
        var (magic, header, payload) = (good, good, good)
        magic[0] = 0x47
        header[4] ^= 1
        payload[28] ^= 1
        let checksums = (header: checksum(in: good, at: 4), payload: checksum(in: good, at: 16))
        return [
            InvalidVector("magic", magic, .frame(.magic(found: [0x47]))),
            InvalidVector(
                "header-checksum",
                header,
                .frame(.headerChecksum(expected: checksums.header, found: checksums.header ^ 1))
            ),
            InvalidVector("version", Wire.header(version: 2, type: ping), .frame(.version(expected: 1, found: 2))),
            InvalidVector("type", Wire.header(type: 0x7f), .frame(.unknownType(0x7f))),
            InvalidVector("flags", Wire.header(type: ping, flags: 0x80), .frame(.flags(0x80))),
            InvalidVector(
                "tree-length",
                Wire.header(type: MessageType.tree.rawValue, length: 65_537),
                .frame(.payloadTooLong(type: .tree, length: 65_537, cap: 65_536))
            ),
            InvalidVector(
                "hello-length",
                Wire.header(type: MessageType.hello.rawValue, length: 4097),
                .frame(.payloadTooLong(type: .hello, length: 4097, cap: 4096)),
                in: .handshake
            ),
            InvalidVector("sequence", Wire.header(type: ping, sequence: 2), .frame(.sequence(expected: 1, found: 2))),
            InvalidVector(
                "payload-checksum",
                payload,
                .frame(
                    .payloadChecksum(
                        type: .ping,
                        expected: ReferenceCRC32C.checksum(of: [0x09, 0x01]),
                        found: checksums.payload
                    )
                )
            ),
        ]
    }()

    private static let trees: [InvalidVector] = {
        func tree(_ name: String, _ parents: [UInt64], _ tokens: [UInt64], _ problem: MessageError.Problem) -> Self {
            let payload = ProtobufPayload().varint(1, 1).varint(3, 1).packed(6, parents).packed(7, tokens)
                .packed(8, tokens.map { _ in 0 })
            let error = WireError.message(MessageError(type: .tree, problem: problem))
            return InvalidVector(name, Wire.frame(.tree, payload: payload.bytes), error)
        }
        let chain = [UInt64](repeating: 1, count: 33)
        return [
            tree(
                "tree-parent-self",
                [0],
                [5],
                .outOfRange(field: "a parent's distance", found: 0, allowed: 1...1)
            ),
            tree(
                "tree-parent-beyond-base",
                [2],
                [5],
                .outOfRange(field: "a parent's distance", found: 2, allowed: 1...1)
            ),
            tree("tree-equal-siblings", [1, 2], [5, 5], .tree(.duplicateSibling(parent: nil, token: 5))),
            tree("tree-depth", chain, chain, .tree(.tooDeep(depth: 33, limit: 32))),
            tree(
                "tree-token",
                [1],
                [49_152],
                .tree(.tokenOutOfVocabulary(token: 49_152, vocabularySize: 49_152))
            ),
            tree(
                "tree-counts",
                [1],
                [5, 6],
                .unequalCounts(field: "parents", count: 1, other: "tokens", otherCount: 2)
            ),
        ]
    }()

    /// Well-formed for a protobuf library.
    private static let protobuf: [InvalidVector] = {
        func message(
            _ name: String,
            _ type: MessageType,
            _ payload: ProtobufPayload,
            _ problem: MessageError.Problem
        ) -> InvalidVector {
            let isEarly = RandomMessages.phase(of: type) == .handshake
            let error = WireError.message(MessageError(type: type, problem: problem))
            return InvalidVector(name, Wire.frame(type, payload: payload.bytes), error, in: isEarly ? .handshake : nil)
        }
        let hello = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1).fixed64(5, 7).varint(8, 1)
        let verdict = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 3).packed(5, [7, 8])
        let tree = ProtobufPayload().varint(1, 1).varint(3, 1)
        let limits = (first: ProtobufPayload().varint(1, 8), second: ProtobufPayload().varint(2, 2).varint(3, 2))
        return [
            message("text-nul", .hello, hello.bytes(4, Array("ab\0cd".utf8)), .nulInText(field: "name")),
            message("text-empty", .hello, hello.bytes(4, []), .empty(field: "name")),
            message(
                "bool-wire-type",
                .tree,
                tree.bytes(9, [1]),
                .wireType(field: "final", found: .lengthPrefixed, expected: .varint)
            ),
            message(
                "message-in-parts",
                .verdict,
                verdict.message(9, limits.first).message(9, limits.second),
                .messageTwice(field: "limits")
            ),
        ]
    }()

    private static let bases: [InvalidVector] = {
        let base = ProtobufPayload().varint(1, 7).packed(3, [5])
        let frame = { (payload: ProtobufPayload) in Wire.frame(.base, payload: payload.bytes) }
        let (old, new) = (RandomMessages.established(version: 1), RandomMessages.established(version: 2))
        func message(_ name: String, _ payload: ProtobufPayload, _ problem: MessageError.Problem) -> InvalidVector {
            InvalidVector(name, frame(payload), .message(MessageError(type: .base, problem: problem)), in: new)
        }
        return [
            InvalidVector("base-in-version-1", frame(base.varint(2, 3)), .frame(.typeNotAllowed(.base)), in: old),
            message("base-offset", base, .outOfRange(field: "offset", found: 0, allowed: 1...16_777_215)),
            message(
                "base-empty",
                ProtobufPayload().varint(1, 7).varint(2, 3),
                .outOfRange(field: "the count of tokens", found: 0, allowed: 1...262_144)
            ),
        ]
    }()

    private static let constraints: [InvalidVector] = {
        let open = ProtobufPayload().varint(1, 1).packed(3, [5, 6]).varint(9, 2)
            .message(5, ProtobufPayload().float(1, 1).float(3, 1).float(5, 1))
            .message(7, ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1))
        let grammar = ProtobufPayload().bytes(1, Array("{\"json_object\": true}".utf8)).varint(2, 1)
        func message(_ name: String, _ part: ProtobufPayload, _ problem: MessageError.Problem) -> InvalidVector {
            let frame = Wire.frame(.open, payload: open.message(14, part).bytes)
            let error = WireError.message(MessageError(type: .open, problem: problem))
            return InvalidVector(name, frame, error, in: RandomMessages.established(version: 2))
        }
        return [
            message("constraint-empty", ProtobufPayload().varint(2, 1), .empty(field: "constraint.grammar")),
            message(
                "constraint-prompt",
                grammar.varint(3, 3),
                .outOfRange(field: "constraint.prompt_length", found: 3, allowed: 1...2)
            ),
        ]
    }()

    private static let features: [InvalidVector] = {
        let phase = RandomMessages.established(
            version: 2,
            features: FeatureDemand(taps: [.input(layer: 2), .normedOutput])
        )
        func payload(taps: UInt64 = 2, _ data: [UInt8]) -> ProtobufPayload {
            ProtobufPayload().varint(1, 7).varint(3, 3).varint(4, taps).varint(5, 1).bytes(6, data)
        }
        func message(_ name: String, _ payload: ProtobufPayload, _ problem: MessageError.Problem) -> InvalidVector {
            let frame = Wire.frame(.features, payload: payload.bytes)
            return InvalidVector(name, frame, .message(MessageError(type: .features, problem: problem)), in: phase)
        }
        let row: [UInt8] = [0, 0x3c, 0, 0, 0, 0xbc, 0, 0x40, 0, 0, 0, 0]
        return [
            InvalidVector(
                "features-without-demand",
                Wire.frame(.features, payload: payload(row).bytes),
                .frame(.typeNotAllowed(.features)),
                in: RandomMessages.established(version: 2)
            ),
            message("features-taps", payload(taps: 1, row), .notAgreed(field: "taps")),
            message(
                "features-data-length",
                payload(row + [0]),
                .byteCount(field: "data", found: 13, allowed: "one or more times 12")
            ),
            message("features-nan", payload(row.dropLast(2) + [0, 0x7e]), .notFinite(field: "data")),
        ]
    }()

    private static func checksum(in frame: [UInt8], at index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(frame[index + $1]) << (8 * $1) }
    }
}
