package import PacelineSpeculation

/// What a capture file holds, and of which model. Two captures with equal headers can go on in one file.
///
/// The file begins with it. All numbers are little-endian; a text is the number of its bytes, and UTF-8:
///
/// | bytes | content |
/// |---|---|
/// | 8 | `PLCAPTUR` |
/// | 4 | version of the format: 1 |
/// | 4 | bytes n of what follows the next four |
/// | 4 | CRC-32C of the n bytes |
/// | text, text | the model's name; its fingerprint |
/// | 32 | hash of the tokenizer |
/// | 4, 4 | size of the vocabulary; numbers of a tap's row |
/// | 4, 4 each | number of taps; layers, or 2³² - 2 for the last output and 2³² - 1 for the normed one |
/// | 4 | tokens with their log-probabilities by position |
/// | text | what the sequences are made from |
///
/// Records follow; ``CaptureRecord`` describes them.
package struct CaptureHeader: Equatable, Sendable {
    package let model: String
    /// Stands for the model's numbers and all else that the bits of features depend on.
    package let fingerprint: String
    /// 32 bytes.
    package let tokenizerHash: [UInt8]
    package let vocabularySize: Int
    /// Numbers in a row of one tap.
    package let width: Int
    package let taps: [FeatureTap]
    /// How many of the most probable tokens each position has.
    package let topCount: Int
    /// What the sequences are made from: prompts, most tokens and the like, in words.
    package let source: String

    package init(
        model: String,
        fingerprint: String,
        tokenizerHash: [UInt8],
        vocabularySize: Int,
        width: Int,
        taps: [FeatureTap],
        topCount: Int = 8,
        source: String
    ) {
        self.model = Self.shortened(model)
        self.fingerprint = Self.shortened(fingerprint)
        self.tokenizerHash = tokenizerHash
        self.vocabularySize = vocabularySize
        self.width = width
        self.taps = taps
        // A position cannot have more tokens than there are.
        self.topCount = min(topCount, vocabularySize)
        self.source = Self.shortened(source)
    }

    /// Numbers in a position's features: all taps side by side.
    package var rowWidth: Int { width * taps.count }

    /// Why a capture with this header cannot go on in a file with another one; nil if it can.
    package func difference(from found: CaptureHeader) -> CaptureError? {
        let pairs = [
            ("model", found.model, model),
            ("model's fingerprint", found.fingerprint, fingerprint),
            ("tokenizer's hash", Self.digits(found.tokenizerHash), Self.digits(tokenizerHash)),
            ("vocabulary's size", "\(found.vocabularySize)", "\(vocabularySize)"),
            ("width", "\(found.width)", "\(width)"),
            ("taps", Self.words(found.taps), Self.words(taps)),
            ("number of probable tokens", "\(found.topCount)", "\(topCount)"),
            ("source", found.source, source),
        ]
        // A model may be renamed or moved.
        return pairs.dropFirst().first { $0.1 != $0.2 }
            .map { .otherCapture(what: $0.0, found: $0.1, expected: $0.2) }
    }

    private static func digits(_ bytes: [UInt8]) -> String {
        bytes.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func words(_ taps: [FeatureTap]) -> String {
        taps.map(\.description).joined(separator: ", ")
    }

    /// As much of a text as a file takes, in whole characters.
    private static func shortened(_ text: String) -> String {
        var text = text
        while text.utf8.count > textLimit { text.unicodeScalars.removeLast() }
        return text
    }
}

// MARK: Bytes

extension CaptureHeader {
    private static let magic = Array("PLCAPTUR".utf8)
    private static let version = 1
    private static let textLimit = 1024
    /// Bytes before those that the checksum covers.
    static let prefixSize = 20
    /// The most bytes that the checksum covers.
    private static let bodyLimit = 1 << 16
    private static let tapLimit = 64

    /// The header as bytes.
    package var encoded: [UInt8] {
        var body: [UInt8] = []
        body.appendText(model)
        body.appendText(fingerprint)
        precondition(tokenizerHash.count == 32, "a hash has 32 bytes, not \(tokenizerHash.count)")
        body += tokenizerHash
        for number in [vocabularySize, width, taps.count] { body.appendNumber(number) }
        for tap in taps { body.append(littleEndian: tap.code) }
        body.appendNumber(topCount)
        body.appendText(source)
        var file = Self.magic
        file.appendNumber(Self.version)
        file.appendNumber(body.count)
        file.append(littleEndian: CaptureChecksum.of(body[...]))
        return file + body
    }

    /// The number of bytes of a header.
    ///
    /// - Parameter prefix: the file's first bytes, ``prefixSize`` if it has them.
    static func size(prefix: [UInt8]) throws(CaptureError) -> Int {
        guard prefix.starts(with: magic) else { throw .notACapture }
        guard prefix.count >= prefixSize else { throw .cutHeader(bytes: prefix.count) }
        var reader = CaptureBytesReader(prefix, offset: 0)
        _ = try reader.take(magic.count)
        let version = try reader.number()
        guard version == Self.version else { throw .version(found: version) }
        let count = try reader.number()
        guard count <= bodyLimit else { throw .damaged(offset: 12, reason: "a header of \(count) bytes") }
        return prefixSize + count
    }

    /// Reads a header.
    ///
    /// - Parameter bytes: as many as ``size(prefix:)`` said.
    init(encoded bytes: [UInt8]) throws(CaptureError) {
        var reader = CaptureBytesReader(bytes, offset: 0)
        _ = try reader.take(Self.prefixSize - 4)
        let checksum = try reader.integer()
        guard checksum == CaptureChecksum.of(bytes[Self.prefixSize...]) else {
            throw .damaged(offset: 0, reason: "the header's checksum is wrong")
        }
        model = try reader.text(limit: Self.textLimit)
        fingerprint = try reader.text(limit: Self.textLimit)
        tokenizerHash = try reader.take(32)
        vocabularySize = try reader.number(1...Int(Int32.max), "a vocabulary")
        width = try reader.number(1...1 << 20, "a width")
        let count = try reader.number(1...Self.tapLimit, "a number of taps")
        var taps: [FeatureTap] = []
        for _ in 0..<count { taps.append(FeatureTap(code: try reader.integer())) }
        self.taps = taps
        topCount = try reader.number(0...min(vocabularySize, 1 << 10), "a number of probable tokens")
        source = try reader.text(limit: Self.textLimit)
        guard reader.left == 0 else {
            throw .damaged(offset: 0, reason: "the header has \(reader.left) bytes too many")
        }
    }
}

extension FeatureTap {
    fileprivate var code: UInt32 {
        switch self {
        case .input(let layer): UInt32(layer)
        case .lastOutput: .max - 1
        case .normedOutput: .max
        }
    }

    fileprivate init(code: UInt32) {
        switch code {
        case .max: self = .normedOutput
        case .max - 1: self = .lastOutput
        default: self = .input(layer: Int(code))
        }
    }
}
