import NIOCore
import PacelineWire
import Testing

@Suite("What protobuf-c would misread")
struct ProtobufScanTests {
    private static let declarations = Result { try ProtobufDeclarations() }
    private let declarations: ProtobufDeclarations

    init() throws {
        declarations = try Self.declarations.get()
    }

    @Test("the declarations cover every message and its sub-messages")
    func places() {
        let places = declarations.places
        #expect(Set(places.map(\.message)) == Set(MessageType.allCases))
        #expect(places.count > 90)
        for name in ["fingerprint.vocabulary_hash", "limits.tree_depth", "sampling.bias_values", "final", "offset"] {
            #expect(places.contains { $0.name == name }, "\(name)")
        }
    }

    @Test("a field without the wire type of its declaration is refused by name, whatever its type")
    func wireTypes() {
        for place in declarations.places {
            let allowed = declarations.wireTypes(of: place.field)
            for found in ProtobufWireType.all {
                let problem = problem(place, found.written(place.field.number))
                if allowed.contains(found) {
                    if case .wireType = problem { Issue.record("\(place) refuses \(found)") }
                } else {
                    guard case .wireType(place.name, found, let expected) = problem else {
                        Issue.record("\(place) as \(found): \(String(describing: problem))")
                        continue
                    }
                    #expect(allowed.contains(expected))
                }
            }
        }
    }

    @Test("text with a NUL at its start, inside or at its end is refused by name")
    func texts() {
        let texts = declarations.places.filter { $0.field.type == "string" }
        #expect(texts.count == 9)
        for place in texts {
            for text in ["ab\0cd", "\0", "\0ab", "ab\0"] {
                let content = ProtobufPayload().bytes(place.field.number, Array(text.utf8))
                #expect(problem(place, content) == .nulInText(field: place.name), "\(place)")
            }
        }
    }

    @Test("a sub-message in two parts is refused by name, wherever it is")
    func parts() {
        let parts = declarations.places.filter { declarations.isMessage($0.field) }
        #expect(parts.count == 10)
        for place in parts {
            let part = ProtobufPayload().bytes(place.field.number, [])
            let twice = part.bytes(place.field.number, [])
            #expect(problem(place, twice) == .messageTwice(field: place.name), "\(place)")
            #expect(problem(place, part) != .messageTwice(field: place.name), "\(place)")
        }
    }

    @Test("if a number or text comes twice, the last one counts, as protobuf requires")
    func repetitions() throws {
        let close = ProtobufPayload().varint(1, 3).varint(1, 4).bytes(3, [0x61]).bytes(3, [0x62, 0x63])
        let (messages, error) = Wire.read(Wire.frame(.close, payload: close.bytes))
        #expect(error == nil)
        #expect(messages == [.close(Message.Close(request: 4, reason: .unspecified, detail: "bc"))])
    }

    @Test(
        "bytes that are not protobuf are refused",
        arguments: [
            [0x00, 0x01], [0x0b], [0x0c], [0x0e, 0x01], [0x0f, 0x01], [0x08], [0x08, 0x80], [0x1a, 0x05, 0x61],
            [0x08] + [UInt8](repeating: 0xff, count: 10) + [0x01],
            [0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x01],
        ]
    )
    func malformed(payload: [UInt8]) {
        let error = Wire.read(Wire.frame(.close, payload: payload)).error
        #expect(error == .message(MessageError(type: .close, problem: .malformed)))
    }

    @Test("a NUL in sent text becomes U+FFFD, so that the rest arrives")
    func sentTexts() throws {
        let sent = Message.close(Message.Close(request: 1, reason: .failed, detail: "\0ab\0cd"))
        let (messages, error) = Wire.read(try Wire.bytes(of: [sent]))
        #expect(error == nil)
        #expect(messages == [.close(Message.Close(request: 1, reason: .failed, detail: "\u{fffd}ab\u{fffd}cd"))])
    }

    /// The problem of a payload with only the place's field, encoded as `content`.
    private func problem(_ place: ProtobufDeclarations.Place, _ content: ProtobufPayload) -> MessageError.Problem? {
        let payload = place.payload(content)
        let phase = RandomMessages.phase(of: place.message)
        let error = Wire.read(Wire.frame(place.message, payload: payload.bytes), phase: phase).error
        guard case .message(let error) = error else { return nil }
        return error.problem
    }
}
