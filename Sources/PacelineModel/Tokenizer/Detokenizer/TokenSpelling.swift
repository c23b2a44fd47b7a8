/// How a vocabulary's file writes the bytes that its tokens stand for.
protocol TokenSpelling {
    /// Appends the bytes that a token of `kind` with this text (UTF-8) stands for.
    func append(_ text: UnsafeRawBufferPointer, of kind: TokenKind, to output: inout [UInt8])
}

extension ByteLevelAlphabet: TokenSpelling {
    /// Normal tokens are spelled in the alphabet, others plainly.
    func append(_ text: UnsafeRawBufferPointer, of kind: TokenKind, to output: inout [UInt8]) {
        if kind != .normal || !append(text, to: &output) { output.append(contentsOf: text) }
    }
}

/// SentencePiece's spelling: U+2581 for a space, and `<0xXX>` for a single byte.
struct SentencePieceSpelling: TokenSpelling {
    /// U+2581, the lower one eighth block.
    static let space: [UInt8] = [0xE2, 0x96, 0x81]

    func append(_ text: UnsafeRawBufferPointer, of kind: TokenKind, to output: inout [UInt8]) {
        switch kind {
        case .normal, .userDefined: Self.appendWithSpaces(text, to: &output)
        case .byte: output.append(contentsOf: Self.byte(text).map { [$0] } ?? Array(text))
        case .control, .unknown, .unused, .undefined: output.append(contentsOf: text)
        }
    }

    /// Appends `text` with a space for every U+2581.
    static func appendWithSpaces(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        var index = 0
        while index < text.count {
            let isSpace = text.count - index >= 3 && space.indices.allSatisfy { text[index + $0] == space[$0] }
            output.append(isSpace ? UInt8(ascii: " ") : text[index])
            index += isSpace ? 3 : 1
        }
    }

    /// The byte that "<0x0A>" names; nil for another text.
    private static func byte(_ text: UnsafeRawBufferPointer) -> UInt8? {
        guard text.count == 6, text.starts(with: "<0x".utf8), text[5] == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
    }
}
