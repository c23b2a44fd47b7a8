/// Builds a GGUF file of version 3 in memory: what ``GGUFFile`` reads.
///
/// Source: the GGUF specification (ggml, docs/gguf.md), little-endian, aligned to 32 bytes.
package struct GGUFEncoder: Sendable {
    /// A metadata value.
    package enum Value: Sendable {
        case count(Int)
        case float(Float)
        case flag(Bool)
        case text(String)
        /// Of 32 bits each.
        case counts([Int])
    }

    private struct Tensor {
        var name: String
        /// The first varies fastest.
        var dimensions: [Int]
        var type: UInt32
        var bytes: [UInt8]
    }

    private static let alignment = 32
    private var entries: [(key: String, value: Value)] = []
    private var tensors: [Tensor] = []

    package init(architecture: String) {
        set("general.architecture", .text(architecture))
    }

    /// Adds a metadata entry, whose key must be new. Counts must be below 2^32.
    package mutating func set(_ key: String, _ value: Value) {
        entries.append((key, value))
    }

    /// Adds a tensor, whose name must be new.
    ///
    /// - Parameters:
    ///   - dimensions: the first varies fastest, so a matrix is [columns, rows].
    ///   - type: the number of the weight type.
    ///   - bytes: the weights as the file stores them.
    package mutating func add(_ name: String, dimensions: [Int], type: UInt32, bytes: [UInt8]) {
        tensors.append(Tensor(name: name, dimensions: dimensions, type: type, bytes: bytes))
    }

    /// Adds a tensor of 64-bit integers.
    package mutating func add(_ name: String, integers: [Int]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 * integers.count)
        for integer in integers { bytes.appendLittleEndian(Int64(integer)) }
        add(name, dimensions: [integers.count], type: GGUFWeightTypes.int64, bytes: bytes)
    }

    /// The whole file.
    package var bytes: [UInt8] {
        var output = Array("GGUF".utf8)
        output.reserveCapacity(tensors.reduce(1 << 14) { $0 + $1.bytes.count + Self.alignment })
        output.appendLittleEndian(3 as UInt32)
        output.appendLittleEndian(UInt64(tensors.count))
        output.appendLittleEndian(UInt64(entries.count))
        for entry in entries {
            output.appendText(entry.key)
            Self.append(entry.value, to: &output)
        }
        var offset = 0
        for tensor in tensors {
            output.appendText(tensor.name)
            output.appendLittleEndian(UInt32(tensor.dimensions.count))
            for dimension in tensor.dimensions { output.appendLittleEndian(UInt64(dimension)) }
            output.appendLittleEndian(tensor.type)
            output.appendLittleEndian(UInt64(offset))
            offset += Self.padded(tensor.bytes.count)
        }
        for tensor in tensors {
            output += repeatElement(0, count: Self.padded(output.count) - output.count)
            output += tensor.bytes
        }
        return output
    }

    private static func padded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    private static func append(_ value: Value, to output: inout [UInt8]) {
        func appendKind(_ kind: GGUFValue.Kind) { output.appendLittleEndian(kind.rawValue) }
        switch value {
        case .count(let number):
            appendKind(.uint32)
            output.appendLittleEndian(UInt32(number))
        case .float(let number):
            appendKind(.float32)
            output.appendLittleEndian(number.bitPattern)
        case .flag(let flag):
            appendKind(.bool)
            output.append(flag ? 1 : 0)
        case .text(let text):
            appendKind(.string)
            output.appendText(text)
        case .counts(let numbers):
            appendKind(.array)
            appendKind(.uint32)
            output.appendLittleEndian(UInt64(numbers.count))
            for number in numbers { output.appendLittleEndian(UInt32(number)) }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func appendLittleEndian<T: FixedWidthInteger>(_ number: T) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    /// A text with its 64-bit length.
    fileprivate mutating func appendText(_ text: String) {
        appendLittleEndian(UInt64(text.utf8.count))
        self += text.utf8
    }
}
