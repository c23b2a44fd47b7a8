import Glibc

/// Why a GGUF file cannot be used. Its description names the file, what was found and the way out in one sentence.
package struct GGUFError: Error, Equatable, CustomStringConvertible {
    /// The file as the user named it.
    package let path: String
    package let reason: Reason

    package init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path) \(reason)".inOneLine }

    /// What is wrong, with the expected and the actual values.
    package enum Reason: Error, Equatable {
        case unreadable(errno: Int32)
        case notARegularFile
        case wrongMagic(found: [UInt8])
        case bigEndian
        case unsupportedVersion(UInt32)
        case truncated(what: String, offset: Int, needed: UInt64, available: Int)
        case absurdCount(what: String, count: UInt64, limit: Int)
        case invalidText(what: String)
        case duplicateKey(String)
        case unknownValueType(key: String, type: UInt32)
        case nestedArray(key: String)
        case invalidBool(key: String, byte: UInt8)
        case invalidAlignment(UInt64)
        case missingKey(String, expected: String)
        case wrongKind(key: String, expected: String, found: String)
        case outOfRange(key: String, value: String, expected: String)
        case laterShard(number: Int, count: Int, first: String?)
        case unnamedShard(count: Int, suffix: String)
        case missingShard(number: Int, count: Int, path: String, errno: Int32)
        case foreignShard(number: Int, count: Int, statedIndex: Int?, statedCount: Int?)
        case repeatedTensor(String, shards: [Int], count: Int)
        case shardTensors(found: Int, stated: Int, count: Int)
        case duplicateTensor(String)
        case invalidDimensions(tensor: String, dimensions: [UInt64])
        case partialBlock(tensor: String, type: String, length: Int, block: Int)
        case misalignedTensor(String, offset: UInt64, alignment: Int)
        case tensorOutsideFile(String, end: UInt64?, fileSize: Int)
        case missingTensor(String)
        case unusedTensor(String, others: Int, architecture: String)
        case wrongDimensions(tensor: String, expected: [Int], found: [Int])
        case notFinite(tensor: String, row: Int)
        case unsupportedWeightType(tensor: String, type: String, supported: String)
        case unknownArchitecture(String, supported: [String])
        case unsupportedRopeScaling(String, supported: [String])
        case unsupportedFeature(key: String, meaning: String)
        case inconsistent(String)
    }
}

extension GGUFError.Reason: CustomStringConvertible {
    package var description: String {
        containerDescription ?? splitDescription ?? metadataDescription ?? tensorDescription ?? modelDescription
    }

    private var containerDescription: String? {
        switch self {
        case .unreadable(let code):
            "cannot be read (\(String(cString: strerror(code)))); check the path and its permissions"
        case .notARegularFile:
            "is not a regular file; name a .gguf file"
        case .wrongMagic(let found):
            "is not a GGUF file (it begins with \(Self.hex(found)), not 47 47 55 46 = \"GGUF\"); name a .gguf file"
        case .bigEndian:
            "is a big-endian GGUF file, which is not supported; convert it to little-endian"
        case .unsupportedVersion(let version):
            "has GGUF version \(version), but versions 2 and 3 are supported; convert the model again"
        case .truncated(let what, let offset, let needed, let available):
            "ends within \(what): \(needed) bytes are needed at byte \(offset) and \(available) are left; "
                + "the file is damaged or incomplete, fetch it again"
        case .absurdCount(let what, let count, let limit):
            "claims \(count) \(what), but can hold at most \(limit); the file is damaged, fetch it again"
        case .invalidText(let what):
            "has invalid UTF-8 in \(what); the file is damaged, fetch it again"
        default: nil
        }
    }

    private var splitDescription: String? {
        switch self {
        case .laterShard(let number, let count, let first):
            "is shard \(number) of \(count) of a split model; name the first one\(first.map { ", \($0)" } ?? "")"
        case .unnamedShard(let count, let suffix):
            "is shard 1 of \(count) of a split model, but the others cannot be found because its name does not end in "
                + "\(suffix); restore the shards' original names"
        case .missingShard(let number, let count, let path, let code):
            "lacks shard \(number) of \(count): \(path) cannot be read (\(String(cString: strerror(code)))); "
                + "put all shards in one folder"
        case .foreignShard(let number, let count, let index, let stated):
            "is not shard \(number) of \(count) of the model: its split.no is \(Self.stated(index)) and its "
                + "split.count is \(Self.stated(stated)), not \(number - 1) and \(count); fetch the shards again"
        case .repeatedTensor(let name, let shards, let count):
            "has the tensor \(name) twice, in shards \(shards.map(String.init).joined(separator: " and ")) of "
                + "\(count); the shards belong to different models, fetch them again"
        case .shardTensors(let found, let stated, let count):
            "has \(found) tensors in its \(count) shards, but split.tensors.count is \(stated); the shards are "
                + "incomplete or belong to different models, fetch them again"
        default: nil
        }
    }

    private var metadataDescription: String? {
        switch self {
        case .duplicateKey(let key):
            "has the metadata key \(key) twice; the file is damaged, fetch or convert it again"
        case .unknownValueType(let key, let type):
            "has the unknown value type \(type) for the metadata key \(key); the file is damaged, fetch it again"
        case .nestedArray(let key):
            "has an array of arrays for the metadata key \(key), which is not supported; convert the model again"
        case .invalidBool(let key, let byte):
            "has the byte \(byte) where the metadata key \(key) needs 0 or 1; the file is damaged, fetch it again"
        case .invalidAlignment(let alignment):
            "has the alignment \(alignment), but a power of two up to 65536 is needed; fetch or convert it again"
        case .missingKey(let key, let expected):
            "lacks the metadata key \(key) (\(expected)); convert the model again with a current converter"
        case .wrongKind(let key, let expected, let found):
            "has \(found) for the metadata key \(key), but \(expected) is needed; convert the model again"
        case .outOfRange(let key, let value, let expected):
            "has the value \(value) for the metadata key \(key), but \(expected) is needed; convert the model again"
        default: nil
        }
    }

    private var tensorDescription: String? {
        switch self {
        case .duplicateTensor(let name):
            "has the tensor \(name) twice; the file is damaged, fetch or convert it again"
        case .invalidDimensions(let tensor, let dimensions):
            "has the dimensions \(dimensions) for the tensor \(tensor), but needs positive ones with a product below "
                + "2^63; the file is damaged, fetch it again"
        case .partialBlock(let tensor, let type, let length, let block):
            "has rows of \(length) weights in the tensor \(tensor), but \(type) needs a multiple of \(block); "
                + "quantise the model to another type"
        case .misalignedTensor(let name, let offset, let alignment):
            "has the tensor \(name) at offset \(offset), which is not a multiple of \(alignment); the file is damaged, "
                + "fetch it again"
        case .tensorOutsideFile(let name, let end, let fileSize):
            "has a tensor \(name) that ends at byte \(end.map(String.init) ?? "2^64 or later"), beyond the file's "
                + "\(fileSize) bytes; the file is damaged or incomplete, fetch it again"
        case .missingTensor(let name):
            "lacks the tensor \(name); convert the model again with a current converter"
        case .unusedTensor(let name, let others, let architecture):
            "has the tensor \(name)\(others == 0 ? "" : " and \(others) more") that Paceline does not use for the "
                + "architecture \"\(architecture)\", so its tokens would be wrong; convert the model again with a "
                + "current converter, or use another model"
        case .wrongDimensions(let tensor, let expected, let found):
            "has the dimensions \(found) for the tensor \(tensor), but \(expected) are needed; convert the model again"
        case .notFinite(let tensor, let row):
            "has a weight that is not a finite number in row \(row) of the tensor \(tensor); the file is damaged, "
                + "fetch or convert it again"
        case .unsupportedWeightType(let tensor, let type, let supported):
            "has the weight type \(type) in the tensor \(tensor); use a file with one of \(supported)"
        default: nil
        }
    }

    private var modelDescription: String {
        switch self {
        case .unknownArchitecture(let name, let supported):
            "has the architecture \"\(name)\"; supported are \(supported.joined(separator: ", "))"
        case .unsupportedRopeScaling(let name, let supported):
            "has the rope scaling \"\(name)\"; supported are \(supported.joined(separator: ", "))"
        case .unsupportedFeature(let key, let meaning):
            "has \(meaning) (metadata key \(key)), which is not supported; use another model"
        case .inconsistent(let sentence):
            sentence
        default:
            "cannot be used"
        }
    }

    private static func stated(_ number: Int?) -> String {
        number.map { "\($0)" } ?? "missing"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "nothing" }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}

extension String {
    /// The text with line breaks and other control characters made visible: names in a file must not break the line
    /// that they are told in.
    fileprivate var inOneLine: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isControl ? "\u{fffd}" : $0 }))
    }
}

extension Unicode.Scalar {
    /// Whether it is of category Cc, or separates lines or paragraphs. Unicode never adds to these.
    fileprivate var isControl: Bool {
        value < 0x20 || (0x7f...0x9f).contains(value) || value == 0x2028 || value == 0x2029
    }
}
