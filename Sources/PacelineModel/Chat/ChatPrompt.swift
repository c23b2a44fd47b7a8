/// A conversation rendered to the text that a model was trained on, which remembers what of it people wrote.
package struct ChatPrompt: Sendable, Equatable {
    package private(set) var text = ""
    /// Where message contents lie, as offsets into the UTF-8 of `text`; control tokens inside are not control tokens.
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
