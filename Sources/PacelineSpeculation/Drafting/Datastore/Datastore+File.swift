/// The file of a datastore. All numbers are little-endian:
///
/// | bytes | content |
/// |---|---|
/// | 8 | `PLDATA01` |
/// | 8 | FNV-1a over all bytes that follow, against accidents |
/// | 32, 32 | hashes of the tokenizer and of the meaning of token ids |
/// | 4, 4 | rows of the vocabulary; tokens without padding |
/// | 4 | bytes of the model's name, at most 1024, and the name in UTF-8 |
/// | 4 | the number n of tokens |
/// | 4 n, 4 n | the tokens; their places in the order of the text that begins there |
extension Datastore {
    private static let magic = Array("PLDATA01".utf8)
    private static let hashSize = 32
    private static let nameLimit = 1024
    /// The most tokens of a file, so that places fit in 32 bits.
    package static let tokenLimit = Int(UInt32.max)

    /// The bytes of the file.
    package var encoded: [UInt8] {
        var body = vocabulary.tokenizerHash + vocabulary.tokensHash
        let name = Self.name(vocabulary.model)
        for number in [vocabulary.size, vocabulary.count, name.count] { Self.append(UInt32(number), to: &body) }
        body += name
        Self.append(UInt32(tokens.count), to: &body)
        body.reserveCapacity(body.count + 8 * tokens.count)
        for token in tokens { Self.append(UInt32(token), to: &body) }
        for place in order { Self.append(place, to: &body) }
        var file = Self.magic
        let checksum = FNV1a(body).value
        for shift in stride(from: 0, to: 64, by: 8) {
            file.append(UInt8(truncatingIfNeeded: checksum >> UInt64(shift)))
        }
        return file + body
    }

    /// Reads the bytes of a file.
    package init(encoded file: UnsafeRawBufferPointer) throws(DatastoreError) {
        let header = Self.magic.count + 8
        guard file.prefix(Self.magic.count).elementsEqual(Self.magic) else { throw .notADatastore }
        guard file.count >= header else { throw .truncated(bytes: file.count) }
        let stored = file.loadUnaligned(fromByteOffset: Self.magic.count, as: UInt64.self).littleEndian
        var reader = Reader(bytes: UnsafeRawBufferPointer(rebasing: file[header...]))
        guard FNV1a(reader.bytes).value == stored else { throw .checksum }
        let hashes = (try reader.take(Self.hashSize), try reader.take(Self.hashSize))
        let (size, known, nameCount) = (try reader.number(), try reader.number(), try reader.number())
        guard nameCount <= Self.nameLimit else { throw .inconsistent("a model's name of \(nameCount) bytes") }
        guard let name = String(validating: try reader.take(nameCount), as: UTF8.self) else {
            throw .inconsistent("a model's name that is not UTF-8")
        }
        let count = try reader.number()
        guard reader.left == 8 * count else {
            throw .inconsistent("\(count) tokens need \(8 * count) bytes, but \(reader.left) are left")
        }
        guard known <= size, size <= Int(Int32.max) else { throw .inconsistent("\(known) of \(size) tokens are real") }
        let tokens = try reader.numbers(count)
        let order = try reader.numbers(count)
        guard tokens.allSatisfy({ Int($0) < known || $0 == Self.separator }) else {
            throw .inconsistent("a token is not below \(known)")
        }
        guard order.allSatisfy({ Int($0) < count }) else { throw .inconsistent("a place is not below \(count)") }
        let vocabulary = Vocabulary(
            tokenizerHash: hashes.0,
            tokensHash: hashes.1,
            size: size,
            count: known,
            model: name
        )
        self.init(tokens: tokens, order: order, vocabulary: vocabulary)
    }

    /// As much of a name as fits, in whole characters.
    private static func name(_ model: String) -> [UInt8] {
        var name = model
        while name.utf8.count > nameLimit { name.unicodeScalars.removeLast() }
        return Array(name.utf8)
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Takes values off bytes from outside.
    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        private var place = 0

        init(bytes: UnsafeRawBufferPointer) {
            self.bytes = bytes
        }

        var left: Int { bytes.count - place }

        mutating func take(_ count: Int) throws(DatastoreError) -> [UInt8] {
            guard count <= left else { throw .truncated(bytes: bytes.count) }
            defer { place += count }
            return Array(bytes[place..<(place + count)])
        }

        mutating func number() throws(DatastoreError) -> Int {
            guard left >= 4 else { throw .truncated(bytes: bytes.count) }
            defer { place += 4 }
            return Int(bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self).littleEndian)
        }

        mutating func numbers(_ count: Int) throws(DatastoreError) -> [UInt32] {
            guard count <= left / 4 else { throw .truncated(bytes: bytes.count) }
            defer { place += 4 * count }
            return (0..<count).map { index in
                bytes.loadUnaligned(fromByteOffset: place + 4 * index, as: UInt32.self).littleEndian
            }
        }
    }
}

/// Why bytes are not a datastore.
package enum DatastoreError: Error, Hashable, CustomStringConvertible {
    case notADatastore
    case truncated(bytes: Int)
    case checksum
    case inconsistent(String)

    package var description: String {
        switch self {
        case .notADatastore: "this is not a datastore; make one with paceline datastore build"
        case .truncated(let bytes): "the datastore ends too early, after \(bytes) bytes; build it again"
        case .checksum: "the datastore is damaged (its checksum is wrong); build it again"
        case .inconsistent(let what): "the datastore contradicts itself: \(what); build it again"
        }
    }
}
