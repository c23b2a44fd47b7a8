import PacelineSpeculation
import PacelineWire
import Testing

@Suite("A constraint in a message")
struct ConstraintMessageTests {
    private static let good = constraint("{}", promptLength: 1)

    private static func constraint(
        _ grammar: String,
        beginning: UInt64 = 1,
        promptLength: UInt64
    ) -> ProtobufPayload {
        ProtobufPayload().bytes(1, Array(grammar.utf8)).varint(2, beginning).varint(3, promptLength)
    }

    /// An open of two tokens with this constraint.
    private static func open(_ constraint: ProtobufPayload) -> ProtobufPayload {
        ProtobufPayload().varint(1, 1).packed(3, [5, 6]).varint(9, 2)
            .message(5, ProtobufPayload().float(1, 1).float(3, 1).float(5, 1))
            .message(7, ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1))
            .message(14, constraint)
    }

    /// What is read of it: the constraint, or why the frame is refused.
    private static func read(
        _ payload: ProtobufPayload,
        version: Int = 2
    ) -> (constraint: DraftConstraint?, problem: MessageError.Problem?) {
        let phase = RandomMessages.established(version: version)
        let (messages, error) = Wire.read(Wire.frame(.open, payload: payload.bytes), phase: phase)
        if case .message(let refused)? = error { return (nil, refused.problem) }
        guard case .open(let open)? = messages.first else { return (nil, .malformed) }
        return (open.constraint, nil)
    }

    @Test("is read with each of its beginnings, and is none with one that a later build knows")
    func beginnings() {
        let expected: [DraftConstraint.Beginning?] = [nil, .first, .afterOptionalThoughts, .afterThoughts, nil, nil]
        for (code, beginning) in zip([0, 1, 2, 3, 4, 2_000_000_000] as [UInt64], expected) {
            let (constraint, problem) = Self.read(
                Self.open(Self.constraint("{}", beginning: code, promptLength: 2))
            )
            #expect(problem == nil)
            #expect(constraint?.beginning == beginning)
            guard let constraint else { continue }
            #expect(constraint.grammar == "{}" && constraint.promptLength == 2)
        }
    }

    @Test("is refused with the whole message where it breaks a limit")
    func hostile() {
        let limit = WireLimits.grammarBytes
        let wrong: [(ProtobufPayload, MessageError.Problem)] = [
            (Self.constraint("", promptLength: 1), .empty(field: "constraint.grammar")),
            (Self.constraint("a\0b", promptLength: 1), .nulInText(field: "constraint.grammar")),
            (Self.good.bytes(1, [0x61, 0xff]), .notText(field: "constraint.grammar")),
            (
                Self.constraint(String(repeating: "g", count: limit + 1), promptLength: 1),
                .byteCount(field: "constraint.grammar", found: limit + 1, allowed: "at most \(limit)")
            ),
            (
                Self.constraint("{}", promptLength: 0),
                .outOfRange(field: "constraint.prompt_length", found: 0, allowed: 1...2)
            ),
            (
                Self.constraint("{}", promptLength: UInt64(UInt32.max)),
                .outOfRange(field: "constraint.prompt_length", found: Int(UInt32.max), allowed: 1...2)
            ),
        ]
        for (constraint, problem) in wrong {
            #expect(Self.read(Self.open(constraint)).problem == problem)
        }
        let twice = Self.open(Self.good).message(14, Self.good)
        #expect(Self.read(twice).problem == .messageTwice(field: "constraint"))
        let number = Self.open(Self.good).varint(14, 1)
        #expect(Self.read(number).problem != nil)
        let longest = Self.constraint(String(repeating: "g", count: limit), promptLength: 1)
        #expect(Self.read(Self.open(longest)).problem == nil)
    }

    @Test("is an unknown field in version 1")
    func versionOne() {
        let (constraint, problem) = Self.read(Self.open(Self.good), version: 1)
        #expect(constraint == nil && problem == nil)
        #expect(Self.read(Self.open(Self.good)).constraint != nil)
    }

    @Test("that is not valid is not sent")
    func refusedByTheWriter() throws {
        var messages = RandomMessages(seed: 2)
        guard case .open(var open) = messages.message(.open) else { return }
        let wrong = [("", 1), ("a\0b", 1), (String(repeating: "g", count: WireLimits.grammarBytes + 1), 1), ("{}", 0)]
        for (grammar, promptLength) in wrong {
            open.constraint = DraftConstraint(grammar: grammar, beginning: .first, promptLength: promptLength)
            #expect(throws: WireError.self) { try Wire.bytes(of: [.open(open)]) }
        }
        open.constraint = DraftConstraint(grammar: "{}", beginning: .first, promptLength: 1)
        #expect(throws: Never.self) { try Wire.bytes(of: [.open(open)]) }
    }
}
