import CPacelineProtocol

/// Scans a payload's fields before protobuf-c unpacks it, and refuses what protobuf-c would wrongly accept.
///
/// protobuf-c 1.4.1 reads a bool from any wire type. It merges the parts of a repeated sub-message without the numbers
/// of earlier parts. It returns text as C strings, which end at the first NUL. This scan refuses any field without the
/// wire type of its declaration, by name. It allocates nothing.
struct ProtobufScan {
    private let descriptor: ProtobufCMessageDescriptor
    /// The prefix of field names in errors: empty, or the name of the field that holds the message, with a dot.
    private let prefix: String
    private var rest: Slice<UnsafeRawBufferPointer>
    /// One bit for each sub-message field that has been seen.
    private var seen: UInt64 = 0

    private init(
        _ bytes: Slice<UnsafeRawBufferPointer>,
        _ descriptor: ProtobufCMessageDescriptor,
        prefix: String = ""
    ) {
        self.descriptor = descriptor
        self.prefix = prefix
        rest = bytes
    }

    /// Checks `bytes` as a message of the type that `descriptor` describes.
    static func check(
        _ bytes: UnsafeRawBufferPointer,
        as descriptor: ProtobufCMessageDescriptor
    ) throws(MessageError.Problem) {
        var scan = ProtobufScan(bytes[...], descriptor)
        try scan.run()
    }

    private mutating func run() throws(MessageError.Problem) {
        while !rest.isEmpty {
            let tag = try varint()
            let number = tag >> 3
            guard let wireType = ProtobufWireType(rawValue: UInt8(tag & 7)),
                (1...UInt64(UInt32.max >> 3)).contains(number)
            else { throw .malformed }
            let content = try content(wireType)
            if let index = fieldIndex(of: number) { try check(content, wireType, index) }
        }
    }

    private func fieldIndex(of number: UInt64) -> Int? {
        (0..<Int(descriptor.n_fields)).first { UInt64(descriptor.fields[$0].id) == number }
    }

    private mutating func check(
        _ content: Slice<UnsafeRawBufferPointer>,
        _ wireType: ProtobufWireType,
        _ index: Int
    ) throws(MessageError.Problem) {
        let field = descriptor.fields[index]
        let expected = ProtobufWireType(of: field.type)
        let isPacked = field.label == PROTOBUF_C_LABEL_REPEATED && wireType == .lengthPrefixed
        guard wireType == expected || isPacked else {
            throw .wireType(field: name(of: field), found: wireType, expected: expected)
        }
        switch field.type {
        case PROTOBUF_C_TYPE_STRING:
            guard !content.contains(0) else { throw .nulInText(field: name(of: field)) }
        case PROTOBUF_C_TYPE_MESSAGE:
            if field.label != PROTOBUF_C_LABEL_REPEATED {
                guard seen & 1 << UInt64(index) == 0 else { throw .messageTwice(field: name(of: field)) }
                seen |= 1 << UInt64(index)
            }
            guard let type = field.descriptor?.assumingMemoryBound(to: ProtobufCMessageDescriptor.self) else { return }
            var inner = ProtobufScan(content, type.pointee, prefix: name(of: field) + ".")
            try inner.run()
        default: break
        }
    }

    private func name(of field: ProtobufCFieldDescriptor) -> String {
        prefix + String(cString: field.name)
    }

    // MARK: Bytes

    /// The next field's bytes after its tag, without the length of a length-prefixed field.
    private mutating func content(
        _ wireType: ProtobufWireType
    ) throws(MessageError.Problem) -> Slice<UnsafeRawBufferPointer> {
        switch wireType {
        case .varint:
            let before = rest
            _ = try varint()
            return before[..<rest.startIndex]
        case .fixed64: return try take(8)
        case .fixed32: return try take(4)
        case .lengthPrefixed:
            let length = try varint()
            guard length <= UInt64(rest.count) else { throw .malformed }
            return try take(Int(length))
        }
    }

    private mutating func take(_ count: Int) throws(MessageError.Problem) -> Slice<UnsafeRawBufferPointer> {
        guard count <= rest.count else { throw .malformed }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func varint() throws(MessageError.Problem) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { throw .malformed }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw .malformed
    }
}

/// The encoding of a field's value: the lower three bits of its tag. Groups, which exist only in proto2, are left out.
package enum ProtobufWireType: UInt8, Sendable {
    case varint = 0
    case fixed64 = 1
    case lengthPrefixed = 2
    case fixed32 = 5

    /// The wire type of a value of this type; of one element for arrays.
    init(of type: ProtobufCType) {
        switch type {
        case PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE: self = .fixed64
        case PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT: self = .fixed32
        case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE: self = .lengthPrefixed
        default: self = .varint
        }
    }
}

extension ProtobufWireType: CustomStringConvertible {
    package var description: String {
        switch self {
        case .varint: "a varint"
        case .fixed64: "eight bytes"
        case .lengthPrefixed: "length-prefixed bytes"
        case .fixed32: "four bytes"
        }
    }
}
