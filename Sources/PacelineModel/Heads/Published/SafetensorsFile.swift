import FoundationEssentials

/// An open safetensors file: where its tensors lie, checked against the file's size.
///
/// A header's length in 8 bytes, a header in JSON, then the numbers (https://github.com/huggingface/safetensors). Only
/// the header is read at opening. The tensors must fill the rest of the file: without gaps, and none over another.
package struct SafetensorsFile: Sendable {
    /// Types of numbers; raw values are the names in the file.
    package enum NumberType: String, Sendable {
        case f64 = "F64", f32 = "F32", f16 = "F16", bf16 = "BF16"
        case i64 = "I64", i32 = "I32", i16 = "I16", i8 = "I8"
        case u64 = "U64", u32 = "U32", u16 = "U16", u8 = "U8", bool = "BOOL"

        var byteCount: Int {
            switch self {
            case .f64, .i64, .u64: 8
            case .f32, .i32, .u32: 4
            case .f16, .bf16, .i16, .u16: 2
            case .i8, .u8, .bool: 1
            }
        }
    }

    package struct Tensor: Equatable, Sendable {
        package let type: NumberType
        /// Sizes, of which the last varies fastest: a matrix is [rows, columns].
        package let shape: [Int]
        /// In the file.
        let range: Range<Int>
    }

    /// The largest header that is read. Those of heads have a few kilobytes.
    package static let headerLimit = 4 << 20

    package let tensors: [String: Tensor]
    private let file: MappedFile

    /// - Throws: ``PublishedHeadError/Reason`` if the file is damaged.
    package init(_ file: MappedFile) throws(PublishedHeadError.Reason) {
        let header = try file.withBytes { (bytes) throws(PublishedHeadError.Reason) in try Self.header(of: bytes) }
        let start = 8 + header.count
        tensors = try Self.tensors(header, in: start..<file.count)
        self.file = file
    }

    private static func header(of bytes: UnsafeRawBufferPointer) throws(PublishedHeadError.Reason) -> Data {
        guard bytes.count >= 8 else { throw .truncated(needed: 8, found: bytes.count) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(headerLimit) else { throw .headerLength(length, limit: headerLimit) }
        let end = 8 + Int(length)
        guard end <= bytes.count else { throw .truncated(needed: end, found: bytes.count) }
        return Data(bytes[8..<end])
    }

    private static func tensors(
        _ header: Data,
        in data: Range<Int>
    ) throws(PublishedHeadError.Reason) -> [String: Tensor] {
        guard let entries = try? JSONDecoder().decode(SafetensorsHeader.self, from: header).entries else {
            throw .header
        }
        var tensors: [String: Tensor] = [:]
        for (name, entry) in entries {
            guard let type = NumberType(rawValue: entry.dtype) else {
                throw .wrongType(tensor: name, found: entry.dtype, expected: "a type of safetensors")
            }
            guard entry.offsets.count == 2, let bytes = entry.byteCount(type),
                0 <= entry.offsets[0], entry.offsets[0] <= entry.offsets[1],
                entry.offsets[1] - entry.offsets[0] == bytes
            else { throw .place(tensor: name) }
            guard entry.offsets[1] <= data.count else {
                throw .truncated(
                    needed: data.lowerBound.addingReportingOverflow(entry.offsets[1]).partialValue,
                    found: data.upperBound
                )
            }
            let start = data.lowerBound + entry.offsets[0]
            tensors[name] = Tensor(type: type, shape: entry.shape, range: start..<start + bytes)
        }
        var end = data.lowerBound
        let ordered = tensors.sorted {
            let (one, other) = ($0.value.range, $1.value.range)
            return (one.lowerBound, one.count, $0.key) < (other.lowerBound, other.count, $1.key)
        }
        for (name, tensor) in ordered {
            guard tensor.range.lowerBound == end else { throw .place(tensor: name) }
            end = max(end, tensor.range.upperBound)
        }
        guard end == data.upperBound else { throw .unclaimed(bytes: data.upperBound - end) }
        return tensors
    }

    /// The numbers of a tensor of floats of 16 or 32 bits; nil for other types.
    func floats(_ tensor: Tensor) -> [Float]? {
        file.withBytes { bytes in
            let bytes = UnsafeRawBufferPointer(rebasing: bytes[tensor.range])
            let count = tensor.range.count / tensor.type.byteCount
            func number<T: FixedWidthInteger>(_ index: Int, _ type: T.Type) -> T {
                T(littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self))
            }
            switch tensor.type {
            case .f32: return (0..<count).map { Float(bitPattern: number($0, UInt32.self)) }
            case .f16: return (0..<count).map { Float(Float16(bitPattern: number($0, UInt16.self))) }
            // The upper half of a float32.
            case .bf16: return (0..<count).map { Float(bitPattern: UInt32(number($0, UInt16.self)) << 16) }
            default: return nil
            }
        }
    }

    /// The numbers of a tensor of signed integers of 32 or 64 bits; nil for other types.
    func integers(_ tensor: Tensor) -> [Int]? {
        file.withBytes { bytes in
            let bytes = UnsafeRawBufferPointer(rebasing: bytes[tensor.range])
            let count = tensor.range.count / tensor.type.byteCount
            switch tensor.type {
            case .i64:
                return (0..<count).map {
                    Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)))
                }
            case .i32:
                return (0..<count).map {
                    Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)))
                }
            default: return nil
            }
        }
    }
}

/// The header as JSON: an object of tensors by name, beside free text under `__metadata__`.
private struct SafetensorsHeader: Decodable {
    struct Entry: Decodable {
        var dtype: String
        var shape: [Int]
        var offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }

        /// Of all numbers; nil if a size is negative, or there are too many.
        func byteCount(_ type: SafetensorsFile.NumberType) -> Int? {
            var bytes = type.byteCount
            for size in shape {
                guard size >= 0 else { return nil }
                let (product, isTooLarge) = bytes.multipliedReportingOverflow(by: size)
                guard !isTooLarge else { return nil }
                bytes = product
            }
            return bytes
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    var entries: [String: Entry] = [:]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        for name in container.allKeys where name.stringValue != "__metadata__" {
            entries[name.stringValue] = try container.decode(Entry.self, forKey: name)
        }
    }
}
