import NIOCore
import PacelineChat
import PacelineServer
import PacelineSpeculation

/// An answer that is streamed through the gateway, over any number of replicas: what the client has of it, and where
/// the next replica must go on.
///
/// Chunks of a choice wait until the token ids of their text have come, or the choice's end. So the client always has
/// all of the text of the tokens that it has, and a replica that goes on behind them repeats and loses nothing.
struct StreamRelay: Sendable {
    private struct Choice: Sendable {
        /// The tokens that the client has; nil if it has nothing of the choice.
        var tokens: [Token]?
        /// Chunks that wait.
        var held = ByteBuffer()
        /// Whether the client has the choice's end.
        var hasEnded = false
    }

    /// What came of bytes.
    struct Output: Sendable {
        /// For the client.
        var bytes = ByteBuffer()
        /// How many tokens are in them.
        var tokens = 0
        var ending: Ending?
    }

    /// How a replica's part of the answer ended.
    enum Ending: Sendable {
        /// The answer is complete.
        case complete
        /// The replica said that it failed, in this JSON.
        case failed(ByteBuffer)
        /// It sent something else than the rest of this answer.
        case foreign
    }

    private static let done = BytePattern("data: [DONE]\n\n")
    private static let error = BytePattern(#"data: {"error":"#)
    private static let data = BytePattern("data: ")

    private let showsTokens: Bool
    private let eventLimit: Int
    /// The choices as the client's request has them.
    private let start: [Choice]
    private var choices: [Choice]
    private var splitter = EventSplitter()
    /// What all chunks of the answer begin with; nil before the first.
    private var identity: ByteBuffer?
    /// Whether this replica has shown that it goes on with the answer.
    private var isIdentified = false
    /// The choices that this replica has not ended yet.
    private var open = 0
    /// The last end of a choice, which waits for the figures that a replica adds to the end that comes last.
    private var heldEnd: (choice: Int, chunk: ByteBuffer)?
    /// Whether the client has the figures about the whole answer.
    private var hasFigures = false

    init(_ outline: GenerationOutline, eventLimit: Int) {
        showsTokens = outline.showsTokens
        self.eventLimit = eventLimit
        let given = outline.resume?.tokens ?? Array(repeating: nil, count: outline.choices)
        start = given.map { Choice(tokens: $0) }
        choices = start
    }

    /// Whether the client has anything of the answer.
    private(set) var hasContent = false

    /// Whether nothing is missing but the mark of the end.
    var isComplete: Bool { hasFigures && choices.allSatisfy(\.hasEnded) }

    /// Where the next replica has to go on; nil for the beginning.
    var point: ResumePoint? {
        guard hasContent else { return nil }
        var point = ResumePoint(tokens: choices.map(\.tokens))
        if PlantedBug.resumedOneEarly.isPlanted { point.tokens = point.tokens.map { $0?.dropLast() } }
        guard let identity, let text = String(validating: identity.readableBytesView, as: UTF8.self) else {
            return point
        }
        // The fields before the choices are an object once it is closed.
        let object = text.dropFirst("data: ".count).dropLast() + "}"
        guard case .mapping(let fields)? = try? JSONReader.read(String(object)) else { return point }
        if case .text(let id)? = fields["id"] { point.id = id.string }
        point.created = fields["created"]?.wholeNumber
        return point
    }

    /// Another replica begins.
    mutating func begin() {
        splitter = EventSplitter()
        isIdentified = false
        open = choices.count
        heldEnd = nil
        guard hasContent else { return choices = start }
        if PlantedBug.heldChunksRepeated.isPlanted { return }
        for place in choices.indices { choices[place].held = ByteBuffer() }
    }

    /// Takes bytes of the replica.
    mutating func take(_ bytes: ByteBuffer) -> Output {
        var output = Output()
        splitter.append(bytes)
        while output.ending == nil, let event = splitter.next() { take(event, &output) }
        if splitter.waiting > eventLimit { output.ending = .foreign }
        return output
    }

    private mutating func take(_ event: ByteBuffer, _ output: inout Output) {
        if event.getInteger(at: event.readerIndex, as: UInt8.self) == UInt8(ascii: ":") { return }
        event.withUnsafeReadableBytes { text in
            if Self.done.stands(at: 0, in: text) {
                flushEnd(&output)
                output.bytes.writeImmutableBuffer(event)
                hasContent = true
                output.ending = .complete
            } else if Self.error.stands(at: 0, in: text) {
                let length = event.readableBytes - Self.data.count - 2
                output.ending = .failed(
                    event.getSlice(at: event.readerIndex + Self.data.count, length: length) ?? event
                )
            } else if let layout = ChunkLayout(text) {
                take(event, text, layout, &output)
            } else {
                output.ending = .foreign
            }
        }
    }

    private mutating func take(
        _ event: ByteBuffer,
        _ text: UnsafeRawBufferPointer,
        _ layout: ChunkLayout,
        _ output: inout Output
    ) {
        guard isIdentified || identify(event, layout) else { return output.ending = .foreign }
        guard let choice = layout.choice else {
            // The chunk behind all choices.
            flushEnd(&output)
            (hasFigures, hasContent) = (true, true)
            output.bytes.writeImmutableBuffer(event)
            return
        }
        guard choices.indices.contains(choice) else { return output.ending = .foreign }
        if layout.endsChoice { return end(choice, event, text, layout, &output) }
        guard !choices[choice].hasEnded else { return }
        if showsTokens || !layout.isForTokensAlone { hold(event, text, layout, in: choice) }
        guard !layout.tokens.isEmpty else { return }
        flush(choice, &output)
        choices[choice].tokens?.append(contentsOf: layout.tokens)
        output.tokens += layout.tokens.count
    }

    /// Checks that a replica goes on with this answer: its chunks begin as those before.
    private mutating func identify(_ event: ByteBuffer, _ layout: ChunkLayout) -> Bool {
        let own = event.getSlice(at: event.readerIndex, length: layout.identityEnd)
        guard hasContent, let identity else {
            identity = own
            isIdentified = true
            return true
        }
        isIdentified = own == identity
        return isIdentified
    }

    private mutating func hold(
        _ event: ByteBuffer,
        _ text: UnsafeRawBufferPointer,
        _ layout: ChunkLayout,
        in choice: Int
    ) {
        guard !showsTokens else {
            choices[choice].held.writeImmutableBuffer(event)
            return
        }
        var start = 0
        let ranges = [layout.tokenRange, layout.promptRange].compactMap(\.self)
        // Other servers than ours may write them in the other order.
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.lowerBound >= start {
            choices[choice].held.writeBytes(UnsafeRawBufferPointer(rebasing: text[start..<range.lowerBound]))
            start = range.upperBound
        }
        choices[choice].held.writeBytes(UnsafeRawBufferPointer(rebasing: text[start...]))
    }

    private mutating func flush(_ choice: Int, _ output: inout Output) {
        if choices[choice].tokens == nil { choices[choice].tokens = [] }
        guard choices[choice].held.readableBytes > 0 else { return }
        output.bytes.writeImmutableBuffer(choices[choice].held)
        choices[choice].held.clear()
        hasContent = true
    }

    // MARK: Ends

    /// A replica's end of a choice, which the client may have already.
    private mutating func end(
        _ choice: Int,
        _ event: ByteBuffer,
        _ text: UnsafeRawBufferPointer,
        _ layout: ChunkLayout,
        _ output: inout Output
    ) {
        open -= 1
        guard !choices[choice].hasEnded, heldEnd?.choice != choice else {
            guard let start = layout.figuresStart, let held = heldEnd else { return }
            // The figures that stand here belong to the end that the client gets last.
            var chunk =
                held.chunk.getSlice(at: held.chunk.readerIndex, length: held.chunk.readableBytes - 4) ?? held.chunk
            chunk.writeBytes(UnsafeRawBufferPointer(rebasing: text[start...]))
            heldEnd = (held.choice, chunk)
            hasFigures = true
            return flushEnd(&output)
        }
        if layout.figuresStart != nil { hasFigures = true }
        let isLast = choices.indices.allSatisfy { $0 == choice || choices[$0].hasEnded }
        heldEnd = (choice, event)
        if !isLast || hasFigures || open <= 0 { flushEnd(&output) }
    }

    private mutating func flushEnd(_ output: inout Output) {
        guard let (choice, chunk) = heldEnd.take() else { return }
        flush(choice, &output)
        output.bytes.writeImmutableBuffer(chunk)
        choices[choice].hasEnded = true
        hasContent = true
    }
}
