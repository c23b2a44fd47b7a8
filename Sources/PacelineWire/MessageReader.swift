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
/// Messages are pulled rather than pushed, so that the owner can change ``phase`` between two of them, and can stop
/// after some number of them and go on later: a peer that packs a thousand tiny frames into one read gets no more than
/// its turn. An owner that stops early must read nothing more from the socket until ``next()`` has returned `nil`; the
/// bytes held are then never more than one frame and one read.
package struct MessageReader: Sendable {
    /// A message with the frame that carried it.
    package struct Received: Sendable, Equatable {
        package var message: Message
        package var frame: Frame
    }

    private var buffer = ByteBuffer()
    private var frames: FrameDecoder
    private var messages: MessageDecoder
    private var failure: WireError?

    package init(phase: LinkPhase) {
        frames = FrameDecoder(phase: phase)
        messages = MessageDecoder(phase: phase)
    }

    /// How far the connection has come, which decides what may come next.
    package var phase: LinkPhase {
        get { frames.phase }
        set {
            frames.phase = newValue
            messages.phase = newValue
        }
    }

    /// Sequence number of the last frame that was complete; 0 before the first.
    package var lastSequence: UInt64 { frames.lastSequence }

    /// Bytes that have come and belong to no message yet.
    package var bufferedBytes: Int { buffer.readableBytes }

    package mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// - Returns: the next message, or `nil` if more bytes must come first.
    /// - Throws: ``WireError``, again and again once it has been thrown: the stream cannot be trusted any more.
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

    /// To be called when the stream has ended, and ``next()`` has returned `nil`.
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
