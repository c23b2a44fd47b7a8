/// Reads the header of a GGUF file: version, metadata and tensor directory.
///
/// Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3, little-endian.
struct GGUFParser {
    private(set) var version: UInt32 = 0
    private(set) var metadata: [String: GGUFValue] = [:]
    private(set) var metadataKeys: [String] = []
    private(set) var tensors: [String: GGUFTensor] = [:]
    private(set) var tensorNames: [String] = []

    private let file: MappedFile
    private var cursor: GGUFCursor

    /// A tensor's directory entry, read before the start of the data section is known.
    private struct Entry {
        var name: String
        var dimensions: [Int]
        var type: UInt32
        var offset: UInt64
    }

    /// Parses `bytes`, the whole of `file`, which must stay mapped during the call.
    init(_ bytes: UnsafeRawBufferPointer, of file: MappedFile) throws(GGUFError.Reason) {
        self.file = file
        cursor = GGUFCursor(bytes)
        try readVersion(bytes)
        let tensorCount = try cursor.count(of: "tensors", minimum: 32)
        try readMetadata()
        var entries: [Entry] = []
        for _ in 0..<tensorCount {
            entries.append(try readEntry())
        }
        try place(entries)
    }

    private mutating func readVersion(_ bytes: UnsafeRawBufferPointer) throws(GGUFError.Reason) {
        guard bytes.starts(with: Array("GGUF".utf8)) else { throw .wrongMagic(found: Array(bytes.prefix(4))) }
        try cursor.skip(4, "the magic")
        version = try cursor.integer(UInt32.self, "the version")
        guard version & 0xFFFF != 0 || version == 0 else { throw .bigEndian }
        guard version == 2 || version == 3 else { throw .unsupportedVersion(version) }
    }

    // MARK: Metadata

    private mutating func readMetadata() throws(GGUFError.Reason) {
        let count = try cursor.count(of: "metadata entries", minimum: 13)
        for index in 0..<count {
            let key = try cursor.string("metadata key \(index)")
            let value = try readValue(try readKind(key), key)
            guard metadata.updateValue(value, forKey: key) == nil else { throw .duplicateKey(key) }
            metadataKeys.append(key)
        }
    }

    private mutating func readKind(_ key: String) throws(GGUFError.Reason) -> GGUFValue.Kind {
        let number = try cursor.integer(UInt32.self, "the value type of \(key)")
        guard let kind = GGUFValue.Kind(rawValue: number) else { throw .unknownValueType(key: key, type: number) }
        return kind
    }

    private mutating func readValue(_ kind: GGUFValue.Kind, _ key: String) throws(GGUFError.Reason) -> GGUFValue {
        let what = "the value of \(key)"
        switch kind {
        case .uint8: return .unsigned(UInt64(try cursor.integer(UInt8.self, what)))
        case .uint16: return .unsigned(UInt64(try cursor.integer(UInt16.self, what)))
        case .uint32: return .unsigned(UInt64(try cursor.integer(UInt32.self, what)))
        case .uint64: return .unsigned(try cursor.integer(UInt64.self, what))
        case .int8: return .signed(Int64(try cursor.integer(Int8.self, what)))
        case .int16: return .signed(Int64(try cursor.integer(Int16.self, what)))
        case .int32: return .signed(Int64(try cursor.integer(Int32.self, what)))
        case .int64: return .signed(try cursor.integer(Int64.self, what))
        case .float32: return .float(Double(Float(bitPattern: try cursor.integer(UInt32.self, what))))
        case .float64: return .float(Double(bitPattern: try cursor.integer(UInt64.self, what)))
        case .bool: return .bool(try readBool(key))
        case .string: return .string(try cursor.string(what))
        case .array: return .array(try readArray(key))
        }
    }

    private mutating func readBool(_ key: String) throws(GGUFError.Reason) -> Bool {
        let byte = try cursor.integer(UInt8.self, "the value of \(key)")
        guard byte <= 1 else { throw .invalidBool(key: key, byte: byte) }
        return byte == 1
    }

    private mutating func readArray(_ key: String) throws(GGUFError.Reason) -> GGUFArray {
        let kind = try readKind(key)
        guard kind != .array else { throw .nestedArray(key: key) }
        let width = kind.byteWidth ?? 8
        let count = try cursor.count(of: "elements of \(key)", minimum: width)
        guard kind == .string else {
            // Cannot overflow: `cursor.count` has checked that `count` elements of `width` bytes fit in the file.
            let start = try cursor.skip(UInt64(count * width), "the elements of \(key)")
            return GGUFArray(elementKind: kind, count: count, range: start..<cursor.offset, file: file)
        }
        let range = try cursor.skipStrings(count, "the elements of \(key)")
        return GGUFArray(elementKind: kind, count: count, range: range, file: file)
    }

    // MARK: Tensors

    private mutating func readEntry() throws(GGUFError.Reason) -> Entry {
        let name = try cursor.string("a tensor's name")
        let rank = try cursor.integer(UInt32.self, "the rank of \(name)")
        guard (1...4).contains(rank) else {
            throw .absurdCount(what: "dimensions of the tensor \(name)", count: UInt64(rank), limit: 4)
        }
        var sizes: [UInt64] = []
        for _ in 0..<rank {
            sizes.append(try cursor.integer(UInt64.self, "the dimensions of \(name)"))
        }
        let type = try cursor.integer(UInt32.self, "the weight type of \(name)")
        let offset = try cursor.integer(UInt64.self, "the offset of \(name)")
        let dimensions = try Self.checked(sizes, tensor: name)
        return Entry(name: name, dimensions: dimensions, type: type, offset: offset)
    }

    /// Converts sizes to integers whose product fits an `Int`. Refuses zeros, which would make later divisions trap.
    private static func checked(_ sizes: [UInt64], tensor: String) throws(GGUFError.Reason) -> [Int] {
        let dimensions = sizes.compactMap { Int(exactly: $0) }
        var product = 1
        for dimension in dimensions {
            let (partial, overflow) = product.multipliedReportingOverflow(by: dimension)
            product = overflow ? 0 : partial
        }
        guard dimensions.count == sizes.count, product > 0, dimensions.allSatisfy({ $0 > 0 }) else {
            throw .invalidDimensions(tensor: tensor, dimensions: sizes)
        }
        return dimensions
    }

    private mutating func place(_ entries: [Entry]) throws(GGUFError.Reason) {
        let alignment = try alignment()
        let start = (cursor.offset + alignment - 1) / alignment * alignment
        for entry in entries {
            guard entry.offset % UInt64(alignment) == 0 else {
                throw .misalignedTensor(entry.name, offset: entry.offset, alignment: alignment)
            }
            let tensor = GGUFTensor(
                name: entry.name,
                dimensions: entry.dimensions,
                type: entry.type,
                range: try range(of: entry, dataStart: start),
                file: file
            )
            guard tensors.updateValue(tensor, forKey: entry.name) == nil else { throw .duplicateTensor(entry.name) }
            tensorNames.append(entry.name)
        }
    }

    private func alignment() throws(GGUFError.Reason) -> Int {
        guard let value = metadata["general.alignment"] else { return 32 }
        guard case .unsigned(let number) = value else {
            throw .wrongKind(key: "general.alignment", expected: "an integer", found: value.kindDescription)
        }
        guard number.nonzeroBitCount == 1, number <= 65536 else { throw .invalidAlignment(number) }
        return Int(number)
    }

    private func range(of entry: Entry, dataStart: Int) throws(GGUFError.Reason) -> Range<Int> {
        let block = GGUFWeightTypes.blockLength(entry.type)
        let (begin, beginOverflow) = UInt64(dataStart).addingReportingOverflow(entry.offset)
        // An unknown type has an unknown size. The error comes when the tensor is requested.
        let byteCount = block == 0 ? 0 : try byteCount(of: entry, block: block)
        let (end, endOverflow) = begin.addingReportingOverflow(byteCount)
        guard !beginOverflow, !endOverflow, end <= UInt64(file.count) else {
            let known = beginOverflow || endOverflow ? nil : end
            throw .tensorOutsideFile(entry.name, end: known, fileSize: file.count)
        }
        return Int(begin)..<Int(end)
    }

    private func byteCount(of entry: Entry, block: Int) throws(GGUFError.Reason) -> UInt64 {
        guard entry.dimensions[0] % block == 0 else {
            let type = GGUFWeightTypes.name(of: entry.type)
            throw .partialBlock(tensor: entry.name, type: type, length: entry.dimensions[0], block: block)
        }
        let blocks = UInt64(entry.dimensions.reduce(1, *) / block)
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: UInt64(GGUFWeightTypes.blockBytes(entry.type)))
        guard !overflow else { throw .tensorOutsideFile(entry.name, end: nil, fileSize: file.count) }
        return bytes
    }
}
