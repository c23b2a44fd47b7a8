/// A metadata array that stays in the mapped file, so that opening a file with 150,000 token texts copies none of them.
///
/// The parser has checked all lengths inside `range`, so reading cannot leave the file.
package struct GGUFArray: Sendable {
    package let elementKind: GGUFValue.Kind
    package let count: Int
    /// The bytes of the elements in the file: fixed-width little-endian, or strings with a 64-bit length each.
    package let range: Range<Int>
    private let file: MappedFile

    init(elementKind: GGUFValue.Kind, count: Int, range: Range<Int>, file: MappedFile) {
        self.elementKind = elementKind
        self.count = count
        self.range = range
        self.file = file
    }

    /// Calls `body` with the elements' raw bytes.
    package func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try file.withBytes { (bytes) throws(E) -> R in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }

    /// Calls `body` with the index and the UTF-8 bytes of each string, in order; does nothing for other arrays.
    package func forEachString<E: Error>(_ body: (Int, UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        guard elementKind == .string else { return }
        try withBytes { (bytes) throws(E) -> Void in
            var offset = 0
            for index in 0..<count {
                let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
                try body(index, UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]))
                offset += length
            }
        }
    }

    /// The strings, with invalid UTF-8 repaired; empty for other arrays.
    package var strings: [String] {
        var result: [String] = []
        result.reserveCapacity(count)
        forEachString { _, bytes in result.append(String(decoding: bytes, as: UTF8.self)) }
        return result
    }

    /// The integers; nil if the elements are not integers or one of them does not fit.
    package var integers: [Int]? {
        switch elementKind {
        case .uint8: elements(UInt8.self).map { Int($0) }
        case .int8: elements(Int8.self).map { Int($0) }
        case .uint16: elements(UInt16.self).map { Int($0) }
        case .int16: elements(Int16.self).map { Int($0) }
        case .uint32: elements(UInt32.self).map { Int($0) }
        case .int32: elements(Int32.self).map { Int($0) }
        case .int64: elements(Int64.self).map { Int($0) }
        case .uint64: exactly(elements(UInt64.self))
        case .float32, .float64, .bool, .string, .array: nil
        }
    }

    /// The floats (32 or 64 bits); nil for other arrays.
    package var floats: [Double]? {
        switch elementKind {
        case .float32: elements(UInt32.self).map { Double(Float(bitPattern: $0)) }
        case .float64: elements(UInt64.self).map { Double(bitPattern: $0) }
        default: nil
        }
    }

    private func elements<T: FixedWidthInteger>(_ type: T.Type) -> [T] {
        withBytes { bytes in
            (0..<count).map {
                T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
            }
        }
    }

    private func exactly(_ values: [UInt64]) -> [Int]? {
        let integers = values.compactMap { Int(exactly: $0) }
        return integers.count == values.count ? integers : nil
    }
}
