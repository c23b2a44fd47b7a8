/// Writes GGUF files for tests, including broken ones. It checks nothing, keeps duplicates and accepts any offset.
package struct GGUFWriter: Sendable {
    /// A metadata value with its type in the file.
    package enum Value: Sendable {
        case uint8(UInt8), int8(Int8), uint16(UInt16), int16(Int16), uint32(UInt32), int32(Int32)
        case uint64(UInt64), int64(Int64), float32(Float), float64(Double), bool(Bool), string(String)
        case strings([String]), int32s([Int32]), uint8s([UInt8]), float32s([Float])
        /// A type number and the bytes that follow it.
        case raw(type: UInt32, bytes: [UInt8])
    }

    private struct Tensor {
        var name: String
        var dimensions: [UInt64]
        var type: UInt32
        var bytes: [UInt8]
        var offset: UInt64?
    }

    /// The version in the header.
    package var version: UInt32 = 3
    /// The alignment of the data section and its tensors. If it is not 32, also add `general.alignment`.
    package var alignment = 32
    private var entries: [(key: String, value: Value)] = []
    private var tensors: [Tensor] = []

    package init() {}

    /// Adds a metadata entry; a second one with the same key does not replace the first.
    package mutating func add(_ key: String, _ value: Value) {
        entries.append((key, value))
    }

    /// The keys in the order of the file.
    package var keys: [String] { entries.map(\.key) }

    /// Replaces the value of a key, or adds it.
    package mutating func set(_ key: String, _ value: Value) {
        guard let place = entries.firstIndex(where: { $0.key == key }) else { return add(key, value) }
        entries[place].value = value
    }

    /// Gives an entry another key.
    package mutating func rename(_ key: String, _ other: String) {
        for place in entries.indices where entries[place].key == key { entries[place].key = other }
    }

    /// The tensor names in the order of the file.
    package var tensorNames: [String] { tensors.map(\.name) }

    /// Changes a tensor's stated dimensions, type or offset, but not its bytes.
    package mutating func claim(
        _ name: String,
        dimensions: [UInt64]? = nil,
        type: UInt32? = nil,
        offset: UInt64? = nil
    ) {
        for place in tensors.indices where tensors[place].name == name {
            tensors[place].dimensions = dimensions ?? tensors[place].dimensions
            tensors[place].type = type ?? tensors[place].type
            tensors[place].offset = offset ?? tensors[place].offset
        }
    }

    /// Adds a tensor. The first dimension varies fastest. `offset` overrides the stated offset.
    package mutating func addTensor(
        _ name: String,
        dimensions: [UInt64],
        type: UInt32,
        bytes: [UInt8],
        offset: UInt64? = nil
    ) {
        tensors.append(Tensor(name: name, dimensions: dimensions, type: type, bytes: bytes, offset: offset))
    }

    /// The whole file.
    package func serialised() -> [UInt8] {
        var output = ByteWriter()
        output.append(Array("GGUF".utf8))
        output.append(version)
        output.append(UInt64(tensors.count))
        output.append(UInt64(entries.count))
        for (key, value) in entries {
            output.append(key)
            append(value, to: &output)
        }
        appendDirectory(to: &output)
        output.pad(to: alignment)
        for tensor in tensors {
            output.append(tensor.bytes)
            output.pad(to: alignment)
        }
        return output.bytes
    }

    private func appendDirectory(to output: inout ByteWriter) {
        var offset = 0
        for tensor in tensors {
            output.append(tensor.name)
            output.append(UInt32(tensor.dimensions.count))
            for dimension in tensor.dimensions { output.append(dimension) }
            output.append(tensor.type)
            output.append(tensor.offset ?? UInt64(offset))
            offset += (tensor.bytes.count + alignment - 1) / alignment * alignment
        }
    }

    private func append(_ value: Value, to output: inout ByteWriter) {
        switch value {
        case .uint8(let number): output.append(0 as UInt32, number)
        case .int8(let number): output.append(1 as UInt32, number)
        case .uint16(let number): output.append(2 as UInt32, number)
        case .int16(let number): output.append(3 as UInt32, number)
        case .uint32(let number): output.append(4 as UInt32, number)
        case .int32(let number): output.append(5 as UInt32, number)
        case .float32(let number): output.append(6 as UInt32, number.bitPattern)
        case .bool(let flag): output.append(7 as UInt32, flag ? 1 as UInt8 : 0)
        case .uint64(let number): output.append(10 as UInt32, number)
        case .int64(let number): output.append(11 as UInt32, number)
        case .float64(let number): output.append(12 as UInt32, number.bitPattern)
        case .string(let text):
            output.append(8 as UInt32)
            output.append(text)
        case .raw(let type, let bytes):
            output.append(type)
            output.append(bytes)
        case .strings, .int32s, .uint8s, .float32s: appendArray(value, to: &output)
        }
    }

    private func appendArray(_ value: Value, to output: inout ByteWriter) {
        output.append(9 as UInt32)
        switch value {
        case .strings(let texts):
            output.append(8 as UInt32, UInt64(texts.count))
            for text in texts { output.append(text) }
        case .int32s(let numbers):
            output.append(5 as UInt32, UInt64(numbers.count))
            for number in numbers { output.append(number) }
        case .uint8s(let numbers):
            output.append(0 as UInt32, UInt64(numbers.count))
            output.append(numbers)
        case .float32s(let numbers):
            output.append(6 as UInt32, UInt64(numbers.count))
            for number in numbers { output.append(number.bitPattern) }
        default: break
        }
    }
}

/// Little-endian bytes, appended piece by piece.
private struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func append<T: FixedWidthInteger>(_ number: T) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append<T: FixedWidthInteger>(_ type: UInt32, _ number: T) {
        append(type)
        append(number)
    }

    mutating func append(_ more: [UInt8]) {
        bytes.append(contentsOf: more)
    }

    /// A string with its 64-bit length.
    mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func pad(to alignment: Int) {
        while bytes.count % alignment != 0 { bytes.append(0) }
    }
}
