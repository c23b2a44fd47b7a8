/// Whether a conversation begins with the model's beginning-of-sequence token.
///
/// The template says so: rendered conversations are encoded without adding the token, as in the published tokenizers
/// (`apply_chat_template`).
extension ChatFormat {
    /// Whether `template` writes `bos`, the text of the beginning-of-sequence token, before all else.
    static func writes(_ bos: String, template: String) -> Bool {
        usesVariable(template) || beginsWithLiteral(bos, template)
    }

    /// `bos_token` in what the template prints or assigns; a condition alone prints nothing.
    private static func usesVariable(_ template: String) -> Bool {
        blocks(of: template).contains { block in
            let words = block.text.split { !isPartOfWord($0) }
            let prints = block.kind == "{" || block.kind == "%" && words.first == "set"
            return prints && words.contains("bos_token")
        }
    }

    /// Quotes count, so that a word in a literal is not the variable.
    private static func isPartOfWord(_ character: Character) -> Bool {
        switch character {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "'", "\"": true
        default: false
        }
    }

    /// Whether nothing is printed before the first `bos`.
    private static func beginsWithLiteral(_ bos: String, _ template: String) -> Bool {
        guard !bos.isEmpty, let place = template.firstRange(of: bos) else { return false }
        var before = template[..<place.lowerBound]
        for block in blocks(of: String(before)) where block.kind != "{" {
            before = Substring(before.replacing(block.whole, with: ""))
        }
        return before.allSatisfy { " \n\t\r{-'\"(".contains($0) }
    }

    /// A piece of a Jinja template between braces.
    private struct Block {
        /// `{` prints an expression, `%` is a statement, `#` a comment.
        var kind: Character
        var text: Substring
        /// With its braces.
        var whole: Substring
    }

    private static func blocks(of template: String) -> [Block] {
        var blocks: [Block] = []
        var rest = template[...]
        while let brace = rest.firstIndex(of: "{") {
            let next = rest.index(after: brace)
            guard next < rest.endIndex else { break }
            let kind = rest[next]
            guard "{%#".contains(kind) else {
                rest = rest[next...]
                continue
            }
            let inside = rest[rest.index(after: next)...]
            guard let end = inside.firstRange(of: kind == "{" ? "}}" : "\(kind)}") else { break }
            let text = inside[..<end.lowerBound]
            blocks.append(Block(kind: kind, text: text, whole: rest[brace..<end.upperBound]))
            rest = rest[end.upperBound...]
        }
        return blocks
    }
}
