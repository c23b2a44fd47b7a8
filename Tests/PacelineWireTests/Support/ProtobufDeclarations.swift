import Foundation
import PacelineWire

/// The fields of all messages, read from the `.proto` files, for tests of every field.
struct ProtobufDeclarations {
    struct Field: Sendable {
        var type: String
        var name: String
        var number: Int
        var isRepeated: Bool
    }

    /// A field with its path from a frame's payload.
    struct Place: Sendable, CustomStringConvertible {
        var message: MessageType
        /// The sub-messages that contain the field, outermost first.
        var holders: [Field]
        var field: Field

        /// The name in error messages.
        var name: String { (holders + [field]).map(\.name).joined(separator: ".") }

        /// A payload with this field only.
        func payload(_ content: ProtobufPayload) -> ProtobufPayload {
            holders.reversed().reduce(content) { ProtobufPayload().message($1.number, $0) }
        }

        var description: String { "\(message) \(name)" }
    }

    private var messages: [String: [Field]] = [:]

    init() throws {
        for name in ["handshake", "drafting", "liveness"] {
            let url = ProtobufCompiler.protocols.appending(path: "paceline/v1/\(name).proto")
            add(try String(contentsOf: url, encoding: .utf8))
        }
    }

    private mutating func add(_ source: String) {
        var message: String?
        for line in source.split(separator: "\n") {
            let words = line.prefix { $0 != ";" }.split(whereSeparator: { " {".contains($0) }).map(String.init)
            if line.hasPrefix("message ") { message = words[1] }
            if line.hasPrefix("}") { message = nil }
            let isRepeated = words.first == "repeated"
            let declaration = words.dropFirst(isRepeated ? 1 : 0)
            guard let message, line.hasPrefix("  "), declaration.count == 4, let number = Int(words[words.count - 1])
            else { continue }
            messages[message, default: []].append(
                Field(
                    type: declaration[declaration.startIndex],
                    name: declaration[declaration.startIndex + 1],
                    number: number,
                    isRepeated: isRepeated
                )
            )
        }
    }

    /// Every field of every message; the fields of sub-messages at each place where one occurs.
    var places: [Place] {
        MessageType.allCases.flatMap { places(of: "\($0)".capitalized, in: $0, holders: []) }
    }

    private func places(of name: String, in message: MessageType, holders: [Field]) -> [Place] {
        (messages[name] ?? []).flatMap { field in
            [Place(message: message, holders: holders, field: field)]
                + places(of: field.type, in: message, holders: holders + [field])
        }
    }

    func isMessage(_ field: Field) -> Bool { messages[field.type] != nil }

    /// The wire types that the field may have.
    func wireTypes(of field: Field) -> Set<ProtobufWireType> {
        let single: ProtobufWireType =
            switch field.type {
            case "fixed64": .fixed64
            case "float": .fixed32
            case "string", "bytes": .lengthPrefixed
            default: isMessage(field) ? .lengthPrefixed : .varint
            }
        return field.isRepeated ? [single, .lengthPrefixed] : [single]
    }
}

extension ProtobufWireType {
    static let all: [ProtobufWireType] = [.varint, .fixed64, .lengthPrefixed, .fixed32]

    /// A field of this wire type with an arbitrary value.
    func written(_ number: Int) -> ProtobufPayload {
        switch self {
        case .varint: ProtobufPayload().varint(number, 1)
        case .fixed64: ProtobufPayload().fixed64(number, 1)
        case .lengthPrefixed: ProtobufPayload().bytes(number, [])
        case .fixed32: ProtobufPayload().float(number, 1)
        }
    }
}
