/// A conversation rendered in a model's chat format, which remembers which parts are message contents.
package struct ChatPrompt: Sendable, Equatable {
    package private(set) var text = ""
    /// Byte ranges of the message contents in the UTF-8 of `text`. Control tokens spelled out there are plain text.
    package private(set) var contentRanges: [Range<Int>] = []

    init() {}

    mutating func append(template: String) {
        text += template
    }

    mutating func append(content: String) {
        let start = text.utf8.count
        text += content
        contentRanges.append(start..<text.utf8.count)
    }
}

extension ChatPrompt {
    /// The text behind the last content, or behind the last but `count`: how the prompt begins the answer.
    package func tail(after count: Int = 0) -> String {
        let ranges = contentRanges.dropLast(count)
        return String(decoding: text.utf8.dropFirst(ranges.last?.upperBound ?? 0), as: UTF8.self)
    }

    /// The prompt up to its last content, for a model that is to write that content itself; nil if it shows none.
    package var beforeLastContent: ChatPrompt? {
        guard let last = contentRanges.last else { return nil }
        var prompt = self
        prompt.text = String(decoding: text.utf8.prefix(last.lowerBound), as: UTF8.self)
        prompt.contentRanges.removeLast()
        return prompt
    }
}
