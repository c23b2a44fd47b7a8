/// Reads the header of a GGUF file from front to back, and checks that each field lies in the file before reading it.
struct GGUFCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - offset }

    /// Reads a little-endian integer.
    mutating func integer<T: FixedWidthInteger>(
        _ type: T.Type,
        _ what: @autoclosure () -> String
    ) throws(GGUFError.Reason) -> T {
        let start = try skip(UInt64(MemoryLayout<T>.size), what())
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: T.self))
    }

    /// Reads a count of elements of at least `minimum` bytes each. Throws if the rest of the file cannot hold them.
    mutating func count(of what: String, minimum: Int) throws(GGUFError.Reason) -> Int {
        let value = try integer(UInt64.self, "the number of \(what)")
        let limit = remaining / minimum
        guard let count = Int(exactly: value), count <= limit else {
            throw .absurdCount(what: what, count: value, limit: limit)
        }
        return count
    }

    /// Reads a string: a 64-bit length and that many bytes of UTF-8.
    mutating func string(_ what: @autoclosure () -> String) throws(GGUFError.Reason) -> String {
        let length = try integer(UInt64.self, "the length of \(what())")
        let start = try skip(length, what())
        let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
        guard let text else { throw .invalidText(what: what()) }
        return text
    }

    /// Skips `count` strings and returns their byte range.
    mutating func skipStrings(_ count: Int, _ what: @autoclosure () -> String) throws(GGUFError.Reason) -> Range<Int> {
        let start = offset
        for _ in 0..<count {
            guard remaining >= 8 else { throw truncated(needed: 8, what()) }
            let length = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
            guard length <= UInt64(remaining - 8) else { throw truncated(needed: length, what()) }
            offset += 8 + Int(length)
        }
        return start..<offset
    }

    /// Skips `length` bytes and returns the offset of the first.
    @discardableResult
    mutating func skip(_ length: UInt64, _ what: @autoclosure () -> String) throws(GGUFError.Reason) -> Int {
        guard length <= UInt64(remaining) else { throw truncated(needed: length, what()) }
        defer { offset += Int(length) }
        return offset
    }

    private func truncated(needed: UInt64, _ what: String) -> GGUFError.Reason {
        .truncated(what: what, offset: offset, needed: needed, available: remaining)
    }
}
