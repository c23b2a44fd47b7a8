package import NIOCore

/// Server-sent events as completions use them: `data:` lines alone (WHATWG HTML, section 9.2).
package enum EventStream {
    /// What ends a stream, after OpenAI's API.
    package static let done: [UInt8] = Array("[DONE]".utf8)

    static let contentType = "text/event-stream"

    /// Whether an answer with this content type is a stream of events.
    static func isType(_ contentType: String?) -> Bool { contentType == Self.contentType }

    /// A line that says nothing, which readers pass over.
    package static let comment = ByteBuffer(string: ": ping\n\n")

    /// One event that carries `data`, which has no line breaks.
    package static func event(_ data: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(data.count + 8)
        buffer.writeStaticString("data: ")
        buffer.writeBytes(data)
        buffer.writeStaticString("\n\n")
        return buffer
    }

    /// Cuts a byte stream into the data of its events.
    package struct Parser: Sendable {
        /// The longest event that is accepted.
        package static let eventLimit = 1 << 20

        private var line: [UInt8] = []
        private var data: [UInt8]?
        private var lastWasReturn = false

        package init() {}

        /// Takes more of the stream.
        ///
        /// - Returns: the data of the events that it completed.
        /// - Throws: ``TooLong`` for an event beyond the limit; the stream is of no use afterwards.
        package mutating func append(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [[UInt8]] {
            // Other modules cannot specialise this: it must not ask for byte after byte.
            if let taken = bytes.withContiguousStorageIfAvailable({ take($0) }) { return try taken.get() }
            return try Array(bytes).withUnsafeBufferPointer { take($0) }.get()
        }

        private mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<[[UInt8]], TooLong> {
            let (newline, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
            var events: [[UInt8]] = []
            var place = 0
            while place < bytes.count {
                let end = bytes[place...].firstIndex { $0 == newline || $0 == carriageReturn } ?? bytes.count
                if end > place {
                    line += bytes[place..<end]
                    lastWasReturn = false
                    guard line.count + (data?.count ?? 0) <= Self.eventLimit else { return .failure(TooLong()) }
                }
                if end < bytes.count {
                    let isSecondOfPair = lastWasReturn && bytes[end] == newline
                    lastWasReturn = bytes[end] == carriageReturn
                    if !isSecondOfPair, let event = endLine() { events.append(event) }
                }
                place = end + 1
            }
            return .success(events)
        }

        /// An empty line ends an event; other lines add to it or are comments and fields without meaning here.
        private mutating func endLine() -> [UInt8]? {
            defer { line.removeAll(keepingCapacity: true) }
            guard !line.isEmpty else {
                defer { data = nil }
                return data
            }
            let prefix = Array("data:".utf8)
            guard line.starts(with: prefix) else { return nil }
            var value = line[prefix.count...]
            if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
            data = data.map { $0 + [UInt8(ascii: "\n")] + value } ?? Array(value)
            return nil
        }
    }

    /// An event was longer than ``Parser/eventLimit``.
    package struct TooLong: Error, CustomStringConvertible {
        package var description: String {
            "the server sent an event of more than \(Parser.eventLimit) bytes, so the connection was given up"
        }
    }
}
