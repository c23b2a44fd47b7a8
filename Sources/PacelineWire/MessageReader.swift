package import NIOCore

/// Turns the bytes of one direction of a connection into messages, one at a time.
///
/// ```swift
/// reader.append(bytes)
/// for _ in 0..<messagesPerRead {
///     guard let received = try reader.next() else { break }
///     …
/// }
/// ```
///
/// Messages are pulled rather than pushed, so that the owner can change ``phase`` between two messages. It can also
/// stop after a few and continue later. So a peer that packs a thousand tiny frames into one read gets only its turn.
/// An owner that stops early must read nothing more from the socket until ``next()`` has returned `nil`. The reader
/// then never holds more than one frame and one read.
package struct MessageReader: Sendable {
    /// A message with the frame that carried it.
    package struct Received: Sendable, Equatable {
        package var message: Message
        package var frame: Frame
    }

    /// What has arrived and is not part of a returned message.
    private(set) var buffer = ByteBuffer()
    private var frames: FrameDecoder
    private var messages: MessageDecoder
    private var failure: WireError?

    package init(phase: LinkPhase) {
        frames = FrameDecoder(phase: phase)
        messages = MessageDecoder(phase: phase)
    }

    /// The phase of the connection, which decides what may come next.
    package var phase: LinkPhase {
        get { frames.phase }
        set {
            frames.phase = newValue
            messages.phase = newValue
        }
    }

    /// Sequence number of the last complete frame; 0 before the first.
    package var lastSequence: UInt64 { frames.lastSequence }

    package mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// - Returns: the next message, or `nil` if more bytes are needed.
    /// - Throws: ``WireError``. Once thrown, every later call throws it again: the stream can no longer be trusted.
    package mutating func next() throws(WireError) -> Received? {
        if let failure { throw failure }
        do {
            return try nextMessage()
        } catch {
            failure = error
            buffer.clear()
            throw error
        }
    }

    /// Call when the stream has ended and ``next()`` has returned `nil`.
    ///
    /// - Throws: ``WireError`` if it ended inside a frame.
    package func finish() throws(WireError) {
        if let failure { throw failure }
        do {
            try frames.checkNothingIsLeft(of: buffer)
        } catch {
            throw .frame(error)
        }
    }

    private mutating func nextMessage() throws(WireError) -> Received? {
        let frame: Frame
        do {
            guard let next = try frames.decode(buffer: &buffer) else { return nil }
            frame = next
        } catch {
            throw .frame(error)
        }
        do {
            return Received(message: try messages.decode(frame), frame: frame)
        } catch {
            throw .message(error)
        }
    }
}
