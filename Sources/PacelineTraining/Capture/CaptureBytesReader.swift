import CPacelineChecksum

/// CRC-32C, against accidents.
enum CaptureChecksum {
    static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { pl_crc32c(0, $0.baseAddress, $0.count) }
    }
}

/// Takes values off bytes from a file.
struct CaptureBytesReader {
    private let bytes: [UInt8]
    private let start: Int
    private var place = 0

    /// - Parameter offset: where the bytes are in the file, for errors.
    init(_ bytes: [UInt8], offset: Int) {
        (self.bytes, start) = (bytes, offset)
    }

    var left: Int { bytes.count - place }

    mutating func take(_ count: Int) throws(CaptureError) -> [UInt8] {
        guard count <= left else { throw .damaged(offset: start, reason: "it ends within a part of \(count) bytes") }
        defer { place += count }
        return Array(bytes[place..<place + count])
    }

    mutating func integer() throws(CaptureError) -> UInt32 {
        try numbers(1)[0]
    }

    mutating func number() throws(CaptureError) -> Int {
        Int(try integer())
    }

    mutating func number(_ range: ClosedRange<Int>, _ what: String) throws(CaptureError) -> Int {
        let number = try number()
        guard range.contains(number) else {
            throw .damaged(offset: start, reason: "\(what) of \(number) instead of \(range.text)")
        }
        return number
    }

    mutating func text(limit: Int) throws(CaptureError) -> String {
        let count = try number(0...limit, "a text's length")
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw .damaged(offset: start, reason: "a text is not UTF-8")
        }
        return text
    }

    mutating func numbers<Number: FixedWidthInteger & BitwiseCopyable>(
        _ count: Int
    ) throws(CaptureError) -> [Number] {
        let size = count * MemoryLayout<Number>.size
        guard size <= left else { throw .damaged(offset: start, reason: "it ends within a part of \(size) bytes") }
        let part = bytes[place..<place + size]
        place += size
        // Paceline runs on little-endian machines only.
        return [Number](unsafeUninitializedCapacity: count) { numbers, filled in
            part.withUnsafeBytes { UnsafeMutableRawBufferPointer(numbers).copyMemory(from: $0) }
            filled = count
        }
    }
}

extension ClosedRange<Int> {
    fileprivate var text: String { "\(lowerBound) to \(upperBound)" }
}

extension [UInt8] {
    mutating func append(littleEndian value: UInt32) {
        append(littleEndian: [value])
    }

    mutating func append<Number: FixedWidthInteger & BitwiseCopyable>(littleEndian values: [Number]) {
        // Paceline runs on little-endian machines only.
        values.withUnsafeBytes { append(contentsOf: $0) }
    }

    mutating func appendNumber(_ value: Int) {
        append(littleEndian: UInt32(value))
    }

    mutating func appendText(_ text: String) {
        appendNumber(text.utf8.count)
        self += text.utf8
    }
}
