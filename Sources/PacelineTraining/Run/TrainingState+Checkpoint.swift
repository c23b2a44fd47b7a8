/// The bytes of a state, little-endian as the machines that Paceline runs on:
///
/// | bytes | what |
/// |---|---|
/// | 8 | "PLTRAIN1" |
/// | 4 | bytes of a number: 4 or 8 |
/// | 4 | number of tensors |
/// | 8 | steps made |
/// | each tensor: 4, n, 8, 8 | length of the name; the name in UTF-8; rows; columns |
/// | 3 × parameters | parameters, first moments, second moments |
extension TrainingState {
    private static var magic: [UInt8] { Array("PLTRAIN1".utf8) }

    /// The state as bytes. Who stores them adds a checksum.
    package func checkpoint(_ layout: ParameterLayout) -> [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(64 * layout.tensors.count + 3 * MemoryLayout<Scalar>.size * parameters.count)
        bytes.append(UInt32(MemoryLayout<Scalar>.size))
        bytes.append(UInt32(layout.tensors.count))
        bytes.append(UInt64(step))
        for tensor in layout.tensors {
            bytes.append(UInt32(tensor.name.utf8.count))
            bytes += tensor.name.utf8
            bytes.append(UInt64(tensor.slice.rows))
            bytes.append(UInt64(tensor.slice.columns))
        }
        for numbers in [parameters, firstMoments, secondMoments] {
            numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// Reads a state.
    ///
    /// - Parameter layout: of the head that is to go on.
    package init(checkpoint bytes: [UInt8], _ layout: ParameterLayout) throws(CheckpointError) {
        var reader = CheckpointReader(bytes)
        guard try reader.bytes(8, "its first bytes") == Self.magic else { throw .notACheckpoint }
        let width = Int(try reader.integer(UInt32.self, "the size of its numbers"))
        guard width == MemoryLayout<Scalar>.size else {
            throw .precision(found: width, expected: MemoryLayout<Scalar>.size)
        }
        let tensors = Int(try reader.integer(UInt32.self, "the number of its tensors"))
        guard tensors == layout.tensors.count else {
            throw .tensorCount(found: tensors, expected: layout.tensors.count)
        }
        let steps = try reader.integer(UInt64.self, "the number of its steps")
        guard let step = Int(exactly: steps) else { throw .steps(steps) }
        for tensor in layout.tensors { try reader.check(tensor) }
        self.step = step
        parameters = try reader.numbers(layout.count, "parameters")
        firstMoments = try reader.numbers(layout.count, "first moments")
        secondMoments = try reader.numbers(layout.count, "second moments")
        guard reader.remaining == 0 else { throw .tooLong(bytes: reader.remaining) }
    }
}

/// Why a training cannot go on from a checkpoint.
package enum CheckpointError: Error, Equatable, CustomStringConvertible {
    case notACheckpoint
    case precision(found: Int, expected: Int)
    case tensorCount(found: Int, expected: Int)
    case steps(UInt64)
    case tensor(found: String, expected: String)
    case tooShort(part: String)
    case tooLong(bytes: Int)

    package var description: String {
        switch self {
        case .notACheckpoint:
            "this is not a checkpoint of a training: it does not begin with PLTRAIN1"
        case .precision(let found, let expected):
            "the checkpoint has numbers of \(found) bytes instead of \(expected): continue in its precision"
        case .tensorCount(let found, let expected):
            "the checkpoint has \(found) tensors, but the head has \(expected): continue with the options that it "
                + "was started with"
        case .steps(let steps):
            "the checkpoint counts \(steps) steps, which is impossible: it is damaged"
        case .tensor(let found, let expected):
            "the checkpoint has the tensor \(found) instead of \(expected): continue with the options that it was "
                + "started with"
        case .tooShort(let part):
            "the checkpoint ends before \(part) do: it was not written whole; take the one before"
        case .tooLong(let bytes):
            "the checkpoint has \(bytes) bytes too many: it is damaged; take the one before"
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}

/// Reads a checkpoint from its start to its end.
private struct CheckpointReader {
    private let source: [UInt8]
    private var position = 0

    init(_ source: [UInt8]) { self.source = source }

    var remaining: Int { source.count - position }

    mutating func bytes(_ count: Int, _ part: String) throws(CheckpointError) -> [UInt8] {
        guard count <= remaining else { throw .tooShort(part: part) }
        defer { position += count }
        return Array(source[position..<position + count])
    }

    mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(
        _: Integer.Type,
        _ part: String
    ) throws(CheckpointError) -> Integer {
        try bytes(MemoryLayout<Integer>.size, part).reversed().reduce(0) { $0 << 8 | Integer($1) }
    }

    mutating func numbers<Scalar: TrainingScalar>(_ count: Int, _ part: String) throws(CheckpointError) -> [Scalar] {
        let size = count * MemoryLayout<Scalar>.size
        guard size <= remaining else { throw .tooShort(part: "its \(part)") }
        let range = position..<position + size
        position += size
        return [Scalar](unsafeUninitializedCapacity: count) { numbers, filled in
            source[range].withUnsafeBytes { UnsafeMutableRawBufferPointer(numbers).copyMemory(from: $0) }
            filled = count
        }
    }

    /// Checks that the next tensor is the expected one.
    mutating func check(_ tensor: ParameterLayout.Tensor) throws(CheckpointError) {
        let length = Int(try integer(UInt32.self, "the names of its tensors"))
        let name = String(decoding: try bytes(length, "the names of its tensors"), as: UTF8.self)
        let rows = try integer(UInt64.self, "the sizes of its tensors")
        let columns = try integer(UInt64.self, "the sizes of its tensors")
        let found = "\(name) (\(rows) × \(columns))"
        let expected = "\(tensor.name) (\(tensor.slice.rows) × \(tensor.slice.columns))"
        guard found == expected else { throw .tensor(found: found, expected: expected) }
    }
}
