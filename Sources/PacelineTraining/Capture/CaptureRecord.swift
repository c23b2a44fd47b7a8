import CPacelineKernels
package import PacelineSpeculation

/// One sequence of a capture file: a prompt, the target's answer, and what the target thought at each position.
///
/// Position i has the features of token i, and the most probable tokens for position i + 1. Features are float16, to
/// halve the file. Positions whose next token is not the target's choice have no probable tokens.
///
/// A record's bytes, little-endian; with n tokens, rows of w numbers, m positions with k probable tokens each:
///
/// | bytes | content |
/// |---|---|
/// | 4 | CRC-32C of the next 24 bytes |
/// | 4 | the sequence's number; numbers ascend from record to record |
/// | 4, 4 | n; how many of them are the prompt |
/// | 4, 4 | the first position with probable tokens; m |
/// | 4 | CRC-32C of all bytes that follow |
/// | 4 n | the tokens |
/// | 2 n w | features by position, float16 |
/// | 4 m k, 4 m k | probable tokens by position, the most probable first; their log-probabilities, float32 |
package struct CaptureRecord: Equatable, Sendable {
    /// Which prompt of the source it is.
    package let number: Int
    package let tokens: [Token]
    package let promptCount: Int
    /// float16: positions × the header's row width.
    package let features: [UInt16]
    package let firstTop: Int
    /// The header's number of tokens for each position from `firstTop` on.
    package let top: [TopToken]

    package init(
        number: Int,
        tokens: [Token],
        promptCount: Int,
        features: [UInt16],
        firstTop: Int,
        top: [TopToken]
    ) {
        (self.number, self.tokens, self.promptCount) = (number, tokens, promptCount)
        (self.features, self.firstTop, self.top) = (features, firstTop, top)
    }

    /// Float16 of features. Numbers that are too large for it become its largest.
    package static func halves(of features: [Float]) -> [UInt16] {
        let limit: Float = 65_504
        let clamped = features.map { $0 > limit ? limit : $0 < -limit ? -limit : $0 }
        return [UInt16](unsafeUninitializedCapacity: features.count) { halves, filled in
            clamped.withUnsafeBufferPointer { from in
                guard let from = from.baseAddress, let to = halves.baseAddress else { return }
                pl_to_half(pl_isa_best(), from, to, Int64(features.count))
            }
            filled = features.count
        }
    }

    /// The features as the numbers to compute with.
    package static func numbers(_ halves: [UInt16]) -> [Float] {
        [Float](unsafeUninitializedCapacity: halves.count) { numbers, filled in
            halves.withUnsafeBufferPointer { from in
                guard let from = from.baseAddress, let to = numbers.baseAddress else { return }
                pl_from_half(pl_isa_best(), from, to, Int64(halves.count))
            }
            filled = halves.count
        }
    }

    /// The sequence as an example to train on.
    ///
    /// - Parameter header: of its file.
    package func sequence(_ header: CaptureHeader) -> TrainingSequence<Float> {
        var rows = [[TopToken]](repeating: [], count: tokens.count)
        for (row, start) in stride(from: 0, to: top.count, by: max(1, header.topCount)).enumerated() {
            rows[firstTop + row] = Array(top[start..<start + header.topCount])
        }
        let features = Matrix(rows: tokens.count, columns: header.rowWidth, values: Self.numbers(features))
        return TrainingSequence(tokens: tokens.map(Int.init), features: features, top: rows)
    }
}

// MARK: Bytes

extension CaptureRecord {
    /// The record as bytes.
    package func encoded(_ header: CaptureHeader) -> [UInt8] {
        precondition(features.count == tokens.count * header.rowWidth, "a position has features of every tap")
        precondition(header.topCount > 0 || top.isEmpty, "a file without probable tokens has none")
        let rows = top.count / max(1, header.topCount)
        precondition(rows * header.topCount == top.count, "positions have as many probable tokens as the header says")
        let head = Head(
            number: number,
            tokens: tokens.count,
            promptCount: promptCount,
            firstTop: firstTop,
            topRows: rows
        )
        var body: [UInt8] = []
        body.reserveCapacity(head.bodySize(header))
        body.append(littleEndian: tokens)
        body.append(littleEndian: features)
        body.append(littleEndian: top.map { UInt32($0.token) })
        body.append(littleEndian: top.map(\.logProbability.bitPattern))
        return head.encoded(body: body) + body
    }

    /// Reads a record.
    ///
    /// - Parameters:
    ///   - bytes: as many as its head says.
    ///   - offset: where they are in the file.
    init(encoded bytes: [UInt8], offset: Int, _ header: CaptureHeader) throws(CaptureError) {
        let head = try Head(encoded: Array(bytes.prefix(Head.size)), offset: offset, header)
        var reader = CaptureBytesReader(bytes, offset: offset)
        _ = try reader.take(Head.size - 4)
        let checksum = try reader.integer()
        guard checksum == CaptureChecksum.of(bytes[Head.size...]) else {
            throw .damaged(offset: offset, reason: "its checksum is wrong")
        }
        let tokens: [UInt32] = try reader.numbers(head.tokens)
        features = try reader.numbers(head.tokens * header.rowWidth)
        let ids: [UInt32] = try reader.numbers(head.topRows * header.topCount)
        let logProbabilities: [UInt32] = try reader.numbers(ids.count)
        for token in tokens + ids where token >= header.vocabularySize {
            throw .damaged(offset: offset, reason: "token \(token) is not below \(header.vocabularySize)")
        }
        self.tokens = tokens
        top = zip(ids, logProbabilities).map {
            TopToken(token: Int($0), logProbability: Float(bitPattern: $1))
        }
        guard top.allSatisfy({ $0.logProbability <= 0 }) else {
            throw .damaged(offset: offset, reason: "a log-probability is not a number up to 0")
        }
        (number, promptCount, firstTop) = (head.number, head.promptCount, head.firstTop)
    }

    /// What a record's first bytes say about the others.
    struct Head: Equatable, Sendable {
        static let size = 28
        private static let tokenLimit = 1 << 20
        /// The most bytes of a record.
        private static let sizeLimit = 1 << 30

        let number: Int
        let tokens: Int
        let promptCount: Int
        let firstTop: Int
        let topRows: Int

        func bodySize(_ header: CaptureHeader) -> Int {
            4 * tokens + 2 * tokens * header.rowWidth + 8 * topRows * header.topCount
        }

        func encoded(body: [UInt8]) -> [UInt8] {
            var numbers: [UInt8] = []
            for value in [number, tokens, promptCount, firstTop, topRows] { numbers.appendNumber(value) }
            numbers.append(littleEndian: CaptureChecksum.of(body[...]))
            var bytes: [UInt8] = []
            bytes.append(littleEndian: CaptureChecksum.of(numbers[...]))
            return bytes + numbers
        }
    }
}

extension CaptureRecord.Head {
    init(encoded bytes: [UInt8], offset: Int, _ header: CaptureHeader) throws(CaptureError) {
        var reader = CaptureBytesReader(bytes, offset: offset)
        guard try reader.integer() == CaptureChecksum.of(bytes[4...]) else {
            throw .damaged(offset: offset, reason: "the checksum of its sizes is wrong")
        }
        number = try reader.number()
        tokens = try reader.number(1...Self.tokenLimit, "a number of tokens")
        promptCount = try reader.number(0...tokens, "a prompt's length")
        firstTop = try reader.number(0...tokens, "a first position with probable tokens")
        topRows = try reader.number(0...(tokens - firstTop), "a number of positions with probable tokens")
        guard bodySize(header) <= Self.sizeLimit else {
            throw .damaged(offset: offset, reason: "it would have \(bodySize(header)) bytes")
        }
    }
}
