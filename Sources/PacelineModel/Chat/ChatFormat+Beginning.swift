/// Decides whether a conversation begins with the model's beginning-of-sequence token.
///
/// The template decides it. As in the published tokenizers (`apply_chat_template`), encoding a rendered conversation
/// adds no token. Templates are read byte by byte, so the runtime's version of Unicode does not matter.
extension ChatFormat {
    private typealias Bytes = ArraySlice<UInt8>

    /// Whether `template` writes `bos`, the text of the beginning-of-sequence token, before all else.
    static func writes(_ bos: String, template: String) -> Bool {
        let template = Array(template.utf8)[...]
        return usesVariable(template) || beginsWithLiteral(Array(bos.utf8)[...], template)
    }

    /// Whether the template prints or assigns `bos_token`. A condition alone prints nothing.
    private static func usesVariable(_ template: Bytes) -> Bool {
        blocks(of: template).contains { block in
            let words = block.text.split { !isPartOfWord($0) }
            let sets = words.first?.elementsEqual("set".utf8) ?? false
            let prints = block.kind == UInt8(ascii: "{") || block.kind == UInt8(ascii: "%") && sets
            return prints && words.contains { $0.elementsEqual("bos_token".utf8) }
        }
    }

    /// Quotes are part of a word, so that a word in a literal is not taken as the variable.
    private static func isPartOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "'"), UInt8(ascii: "\""):
            true
        default: false
        }
    }

    /// Whether the template prints nothing before the first `bos`.
    private static func beginsWithLiteral(_ bos: Bytes, _ template: Bytes) -> Bool {
        guard !bos.isEmpty, let place = template.firstRange(of: bos) else { return false }
        var printed = template[..<place.lowerBound]
        for block in blocks(of: printed).reversed() where block.kind != UInt8(ascii: "{") {
            printed.removeSubrange(block.range)
        }
        return printed.allSatisfy { " \n\t\r{-'\"(".utf8.contains($0) }
    }

    /// A piece of a Jinja template between braces.
    private struct Block {
        /// `{` prints an expression, `%` is a statement, `#` a comment.
        var kind: UInt8
        var text: Bytes
        /// Its range in the template, braces included.
        var range: Range<Int>
    }

    private static func blocks(of template: Bytes) -> [Block] {
        var blocks: [Block] = []
        var rest = template
        while let brace = rest.firstIndex(of: UInt8(ascii: "{")) {
            let next = brace + 1
            guard next < rest.endIndex else { break }
            let kind = rest[next]
            guard "{%#".utf8.contains(kind) else {
                rest = rest[next...]
                continue
            }
            let closing = [kind == UInt8(ascii: "{") ? UInt8(ascii: "}") : kind, UInt8(ascii: "}")]
            let inside = rest[(next + 1)...]
            guard let end = inside.firstRange(of: closing) else { break }
            blocks.append(Block(kind: kind, text: inside[..<end.lowerBound], range: brace..<end.upperBound))
            rest = rest[end.upperBound...]
        }
        return blocks
    }
}
