/// Separates the calls of tools in an answer from its text.
///
/// Takes the text in pieces and looks at one byte after the other, so that how the text was cut makes no difference to
/// what comes out, taken together. A call comes out when it is whole: first its name, then its arguments, which are
/// always valid JSON. What only looked like a call, or was cut off in the middle, comes out as text, unchanged. White
/// space around calls belongs to neither.
package struct ToolCallSplitter: Sendable {
    private enum State {
        /// Before anything but white space.
        case start
        case content
        /// In what may be a call.
        case call
        /// Behind a call. `isOpen` if its end marker may still come.
        case between(isOpen: Bool, isInArray: Bool)
        /// There may be no more calls, and so nothing else: the rest is left out.
        case full
    }

    private let format: ToolCallFormat
    private let tools: ToolDescriptions
    private let limit: Int
    private var state = State.start
    /// Follows the call. Not in the state, which would be copied with every byte.
    private var scanner: CallScanner
    /// Bytes that may be white space before a call, or a part of one.
    private var held: [UInt8] = []
    /// How many of them are white space in front.
    private var spaces = 0
    /// How many calls have come.
    package private(set) var count = 0

    /// - Parameter limit: the most calls; the answer ends behind the last one.
    package init(_ format: ToolCallFormat, tools: ToolDescriptions, limit: Int = .max) {
        (self.format, self.tools, self.limit) = (format, tools, limit)
        scanner = CallScanner(objectInArray: false)
    }

    /// Whether the answer may end because enough calls have come.
    package var isLimited: Bool { limit < .max }

    /// Whether nothing more can come.
    package var isFull: Bool {
        if case .full = state { true } else { false }
    }

    /// Takes the next piece.
    package mutating func append(_ text: String) -> [AnswerPart] {
        var output = Output()
        for byte in text.utf8 { take(byte, &output) }
        return output.finish()
    }

    /// Ends the answer and gives what was held back.
    package mutating func finish() -> [AnswerPart] {
        var output = Output()
        switch state {
        case .start, .content, .call: output.text += held
        // White space and end markers behind calls are no text, but the beginning of something else may be.
        case .between: output.text += held.dropFirst(spaces)
        case .full: break
        }
        (held, spaces) = ([], 0)
        return output.finish()
    }

    /// What a piece gives.
    private struct Output {
        var parts: [AnswerPart] = []
        /// Text behind the last part.
        var text: [UInt8] = []

        mutating func finish() -> [AnswerPart] {
            if !text.isEmpty { parts.append(.content(String(decoding: text, as: UTF8.self))) }
            text = []
            return parts
        }
    }

    private mutating func take(_ byte: UInt8, _ output: inout Output) {
        switch state {
        case .start: takeText(byte, atStart: true, &output)
        case .content: takeText(byte, atStart: false, &output)
        case .call: takeCall(byte, &output)
        case .between(let isOpen, let isInArray): takeBetween(byte, isOpen: isOpen, isInArray: isInArray, &output)
        case .full: break
        }
    }

    // MARK: Text

    private mutating func takeText(_ byte: UInt8, atStart: Bool, _ output: inout Output) {
        if held.count == spaces {
            if byte.isSpace { return hold(space: byte) }
            // Llama writes a call without any marker, instead of an answer.
            if atStart, format == .llama, byte == UInt8(ascii: "{") {
                return begin(CallScanner(objectInArray: false), with: byte, &output)
            }
        }
        held.append(byte)
        let marker = held[spaces...]
        if let opener = format.openers.first(where: { $0.utf8.starts(with: marker) })?.utf8 {
            if opener.count == marker.count { (state, scanner) = (.call, CallScanner(format, opener: Array(opener))) }
            return
        }
        // No opener has its first byte in it a second time, so only this byte can begin another one.
        held.removeLast()
        let isNew = held.count > spaces
        release(&output)
        if isNew { return takeText(byte, atStart: false, &output) }
        output.text.append(byte)
    }

    private mutating func hold(space: UInt8) {
        held.append(space)
        spaces += 1
    }

    /// What was held back is text.
    private mutating func release(_ output: inout Output) {
        output.text += held
        (held, spaces) = ([], 0)
        state = .content
    }

    // MARK: Calls

    private mutating func begin(_ scanner: CallScanner, with byte: UInt8, _ output: inout Output) {
        (state, self.scanner) = (.call, scanner)
        takeCall(byte, &output)
    }

    private mutating func takeCall(_ byte: UInt8, _ output: inout Output) {
        switch scanner.take(byte, tools) {
        case .more: held.append(byte)
        case .call(let call):
            // Without a marker, only a tool's name tells a call from an answer in JSON.
            guard format != .llama || tools.contains(call.name) else {
                held.append(byte)
                return release(&output)
            }
            give(call, &output)
            state = count < limit ? .between(isOpen: true, isInArray: scanner.isInArray) : .full
        case .invalid:
            release(&output)
            takeText(byte, atStart: false, &output)
        }
    }

    private mutating func give(_ call: ToolCall, _ output: inout Output) {
        output.parts = output.finish()
        output.parts.append(.call(index: count, name: call.name))
        output.parts.append(.arguments(index: count, call.arguments))
        count += 1
        (held, spaces) = ([], 0)
    }

    // MARK: Between calls

    /// What ends a call, and what separates it from the next one.
    private func marks(isInArray: Bool) -> (ends: [[UInt8]], separator: UInt8?) {
        switch format {
        case .hermes, .qwenCoder: ([Array("</tool_call>".utf8)], nil)
        case .llama: ([], UInt8(ascii: ";"))
        case .mistral: isInArray ? ([[UInt8(ascii: "]")]], UInt8(ascii: ",")) : ([], nil)
        }
    }

    private mutating func takeBetween(_ byte: UInt8, isOpen: Bool, isInArray: Bool, _ output: inout Output) {
        let (ends, separator) = marks(isInArray: isInArray)
        let hasSeparator = held.count == spaces + 1 && held.last == separator
        if held.count == spaces || hasSeparator {
            if byte.isSpace { return }
            if isOpen, byte == separator, !hasSeparator { return held.append(byte) }
            let isNext = format == .llama || (isInArray && hasSeparator)
            if isOpen, isNext, byte == UInt8(ascii: "{") {
                return begin(CallScanner(objectInArray: isInArray), with: byte, &output)
            }
        }
        if hasSeparator {
            release(&output)
            return takeText(byte, atStart: false, &output)
        }
        let marker = held[spaces...] + [byte]
        if isOpen, let end = ends.first(where: { $0.starts(with: marker) }) {
            held.append(byte)
            guard end.count == marker.count else { return }
            held = []
            state = .between(isOpen: false, isInArray: false)
        } else if format.openers.contains(where: { $0.utf8.starts(with: marker) }) {
            state = .content
            takeText(byte, atStart: false, &output)
        } else {
            state = .content
            release(&output)
            takeText(byte, atStart: false, &output)
        }
    }
}
