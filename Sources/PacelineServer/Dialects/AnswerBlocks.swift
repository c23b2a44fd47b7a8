/// A part of an answer that APIs with typed parts show as one: thoughts, text, or a call.
struct AnswerBlock: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case reasoning
        case text
        case call(id: String, name: String)
    }

    /// From 0, in the order of the answer.
    let place: Int
    let kind: Kind
    /// What it has so far: text, or the JSON of arguments.
    var text = ""
}

/// Cuts an answer of chat into its blocks.
struct AnswerBlocks: Sendable {
    enum Event: Sendable, Equatable {
        case open(AnswerBlock)
        case delta(AnswerBlock, String)
        case close(AnswerBlock)
    }

    /// Those that have ended.
    private(set) var closed: [AnswerBlock] = []
    private var open: AnswerBlock?
    /// The index of the call that is open.
    private var call: Int?

    mutating func take(_ chunk: ChatChunk) -> [Event] {
        var events: [Event] = []
        if !chunk.reasoning.isEmpty { add(.reasoning, chunk.reasoning, &events) }
        if !chunk.content.isEmpty { add(.text, chunk.content, &events) }
        for call in chunk.calls {
            if self.call != call.index {
                close(&events)
                begin(.call(id: call.id ?? "", name: call.name ?? ""), &events)
                self.call = call.index
            }
            extend(call.arguments, &events)
        }
        return events
    }

    /// A block of text without any, for APIs that want one.
    mutating func addEmptyText() -> [Event] {
        var events: [Event] = []
        begin(.text, &events)
        close(&events)
        return events
    }

    /// The end of the block that is open.
    mutating func finish() -> [Event] {
        var events: [Event] = []
        close(&events)
        return events
    }

    private mutating func add(_ kind: AnswerBlock.Kind, _ text: String, _ events: inout [Event]) {
        if open?.kind != kind {
            close(&events)
            begin(kind, &events)
        }
        extend(text, &events)
    }

    private mutating func begin(_ kind: AnswerBlock.Kind, _ events: inout [Event]) {
        let block = AnswerBlock(place: closed.count, kind: kind)
        open = block
        events.append(.open(block))
    }

    private mutating func extend(_ text: String, _ events: inout [Event]) {
        guard !text.isEmpty else { return }
        open?.text += text
        if let open { events.append(.delta(open, text)) }
    }

    private mutating func close(_ events: inout [Event]) {
        guard let block = open.take() else { return }
        call = nil
        closed.append(block)
        events.append(.close(block))
    }
}
