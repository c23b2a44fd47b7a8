/// Where the bytes of a capture file come from: a file, or memory.
package protocol CaptureSource {
    /// Bytes there are.
    var count: Int { get }
    /// The bytes of a range within ``count``.
    func bytes(_ range: Range<Int>) throws -> [UInt8]
}

/// A capture file's header, and where its records are. Records are read one at a time.
package struct CaptureReader: Sendable {
    /// A whole record.
    package struct Entry: Equatable, Sendable {
        /// Which prompt of the source it is.
        package let number: Int
        package let tokens: Int
        package let promptCount: Int
        /// Positions with probable tokens.
        package let answers: Int
        /// Its bytes in the file.
        package let range: Range<Int>
    }

    package let header: CaptureHeader
    package let entries: [Entry]
    /// Where the next record goes. Bytes from there on are of a record whose writing was interrupted.
    package let end: Int

    /// Finds all records. Reads their first bytes only; their checksums are compared when they are read.
    ///
    /// - Throws: ``CaptureError``, or what the source throws.
    package init(_ source: some CaptureSource) throws {
        let size = try CaptureHeader.size(prefix: try source.bytes(0..<min(CaptureHeader.prefixSize, source.count)))
        guard size <= source.count else { throw CaptureError.cutHeader(bytes: source.count) }
        let header = try CaptureHeader(encoded: try source.bytes(0..<size))
        var entries: [Entry] = []
        var place = size
        while place + CaptureRecord.Head.size <= source.count {
            let bytes = try source.bytes(place..<place + CaptureRecord.Head.size)
            let head = try CaptureRecord.Head(encoded: bytes, offset: place, header)
            let next = place + CaptureRecord.Head.size + head.bodySize(header)
            guard next <= source.count else { break }
            if let last = entries.last, head.number <= last.number {
                throw CaptureError.damaged(
                    offset: place,
                    reason: "it is number \(head.number), but comes after number \(last.number)"
                )
            }
            let entry = Entry(
                number: head.number,
                tokens: head.tokens,
                promptCount: head.promptCount,
                answers: head.topRows,
                range: place..<next
            )
            entries.append(entry)
            place = next
        }
        (self.header, self.entries, end) = (header, entries, place)
    }

    /// Reads a record and compares its checksum.
    ///
    /// - Throws: ``CaptureError``, or what the source throws.
    package func record(_ entry: Entry, from source: some CaptureSource) throws -> CaptureRecord {
        guard entry.range.upperBound <= source.count else {
            throw CaptureError.damaged(offset: entry.range.lowerBound, reason: "the file has become shorter")
        }
        return try CaptureRecord(encoded: source.bytes(entry.range), offset: entry.range.lowerBound, header)
    }

    /// Reads a record as an example to train on.
    ///
    /// - Throws: ``CaptureError``, or what the source throws.
    package func sequence(_ entry: Entry, from source: some CaptureSource) throws -> TrainingSequence<Float> {
        try record(entry, from: source).sequence(header)
    }

    /// The number of the next sequence to capture.
    package var nextNumber: Int { entries.last.map { $0.number + 1 } ?? 0 }
}

/// The bytes of a capture file in memory.
package struct CaptureBytes: CaptureSource {
    private let all: [UInt8]

    package init(_ bytes: [UInt8]) { all = bytes }

    package var count: Int { all.count }
    package func bytes(_ range: Range<Int>) -> [UInt8] { Array(all[range]) }
}
