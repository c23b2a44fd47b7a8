/// Separates an answer's thoughts, between `<think>` and `</think>`, from what it says.
///
/// Takes the text in pieces and holds back what may be the beginning of a marker. How the text was cut makes no
/// difference to what comes out, taken together. Thoughts stand only at the beginning of an answer; the same markers
/// later are text. White space around the markers belongs to neither.
package struct ReasoningSplitter: Sendable {
    package static let begin = "<think>"
    package static let end = "</think>"

    /// Where an answer begins.
    package enum Start: Sendable {
        /// It may begin with thoughts.
        case open
        /// The prompt has opened the thoughts already.
        case reasoning
        /// It has no thoughts.
        case content
    }

    /// What a piece of text added to each part.
    package struct Output: Sendable, Equatable {
        package var reasoning = ""
        package var content = ""

        package init(reasoning: String = "", content: String = "") {
            self.reasoning = reasoning
            self.content = content
        }

        package var isEmpty: Bool { reasoning.isEmpty && content.isEmpty }
    }

    private enum State {
        /// Before anything but white space.
        case start
        /// In the thoughts, before anything but white space.
        case reasoningStart
        case reasoning
        /// Behind the thoughts, before anything but white space.
        case contentStart
        case content
    }

    private var state: State
    private var held: [UInt8] = []

    package init(_ start: Start) {
        state =
            switch start {
            case .open: .start
            case .reasoning: .reasoningStart
            case .content: .content
            }
    }

    /// Takes the next piece.
    package mutating func append(_ text: String) -> Output {
        if case .content = state { return Output(content: text) }
        held += text.utf8
        var output = Output()
        while step(&output) {}
        return output
    }

    /// Ends the answer and gives what was held back.
    package mutating func finish() -> Output {
        defer { held = [] }
        let rest = String(decoding: held, as: UTF8.self)
        switch state {
        case .reasoningStart, .reasoning: return Output(reasoning: rest)
        case .start, .contentStart, .content: return Output(content: rest)
        }
    }

    /// Does what the held bytes decide; false if they decide nothing more.
    private mutating func step(_ output: inout Output) -> Bool {
        switch state {
        case .start:
            let text = held.drop(while: Self.isSpace)
            if text.starts(with: Self.begin.utf8) { return enter(.reasoningStart, Self.begin, text) }
            if Self.begin.utf8.starts(with: text) { return false }
            state = .content
            return true
        case .reasoningStart:
            let text = held.drop(while: Self.isSpace)
            if text.isEmpty { return false }
            held = Array(text)
            state = .reasoning
            return true
        case .reasoning: return takeReasoning(&output)
        case .contentStart:
            let text = held.drop(while: Self.isSpace)
            if text.isEmpty { return false }
            held = Array(text)
            state = .content
            return true
        case .content:
            output.content += String(decoding: held, as: UTF8.self)
            held = []
            return false
        }
    }

    private mutating func takeReasoning(_ output: inout Output) -> Bool {
        let marker = Array(Self.end.utf8)
        var place = held.startIndex
        while place < held.endIndex {
            // The last white space before a marker, or before what may become one, waits with it.
            let text = held[place...].drop(while: Self.isSpace)
            if text.starts(with: marker) { return leave(place, text, &output) }
            if marker.starts(with: text) { break }
            place = text.startIndex + (text.startIndex == place ? 1 : 0)
        }
        output.reasoning += String(decoding: held[..<place], as: UTF8.self)
        held.removeFirst(place)
        return false
    }

    private mutating func leave(_ place: Int, _ text: ArraySlice<UInt8>, _ output: inout Output) -> Bool {
        output.reasoning += String(decoding: held[..<place], as: UTF8.self)
        return enter(.contentStart, Self.end, text)
    }

    private mutating func enter(_ next: State, _ marker: String, _ text: ArraySlice<UInt8>) -> Bool {
        held = Array(text.dropFirst(marker.utf8.count))
        state = next
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0d).contains(byte)
    }
}

extension ReasoningSplitter.Start {
    /// How an answer begins that continues `text`, the end of a prompt or the part of an answer that was given.
    package init(after text: String) {
        let opened = text.range(lastOf: ReasoningSplitter.begin), closed = text.range(lastOf: ReasoningSplitter.end)
        switch (opened, closed) {
        case (nil, nil): self = .open
        case (let opened?, let closed?): self = opened > closed ? .reasoning : .content
        case (_?, nil): self = .reasoning
        case (nil, _?): self = .content
        }
    }
}

extension String {
    /// Where a marker stands for the last time, in bytes.
    fileprivate func range(lastOf marker: String) -> Int? {
        let (bytes, marker) = (Array(utf8), Array(marker.utf8))
        guard bytes.count >= marker.count else { return nil }
        return (0...bytes.count - marker.count).last { bytes[$0...].starts(with: marker) }
    }
}
