/// Whether a conversation begins with the model's beginning-of-sequence token.
///
/// The template says so: rendered conversations are encoded without adding the token, as in the published tokenizers
/// (`apply_chat_template`). Templates are read byte by byte, so that no version of Unicode matters.
extension ChatFormat {
    private typealias Bytes = ArraySlice<UInt8>

    /// Whether `template` writes `bos`, the text of the beginning-of-sequence token, before all else.
    static func writes(_ bos: String, template: String) -> Bool {
        let template = Array(template.utf8)[...]
        return usesVariable(template) || beginsWithLiteral(Array(bos.utf8)[...], template)
    }

    /// `bos_token` in what the template prints or assigns; a condition alone prints nothing.
    private static func usesVariable(_ template: Bytes) -> Bool {
        blocks(of: template).contains { block in
            let words = block.text.split { !isPartOfWord($0) }
            let sets = words.first?.elementsEqual("set".utf8) ?? false
            let prints = block.kind == UInt8(ascii: "{") || block.kind == UInt8(ascii: "%") && sets
            return prints && words.contains { $0.elementsEqual("bos_token".utf8) }
        }
    }

    /// Quotes count, so that a word in a literal is not the variable.
    private static func isPartOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "'"), UInt8(ascii: "\""):
            true
        default: false
        }
    }

    /// Whether nothing is printed before the first `bos`.
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
        /// Where it stands, with its braces.
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
