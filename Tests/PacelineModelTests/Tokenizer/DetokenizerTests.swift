import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("Incremental detokenizer")
struct DetokenizerTests {
    /// Bytes that are nearly UTF-8: whole characters, truncated ones and stray bytes.
    private func bytes(_ generator: inout SplitMix) -> [UInt8] {
        let characters: [[UInt8]] = ["a", "é", "中", "👍", "\u{10FFFF}", "\u{FFFD}"].map { Array($0.utf8) }
        return (0..<Int.random(in: 0..<20, using: &generator)).flatMap { _ -> [UInt8] in
            let character = characters[Int.random(in: 0..<characters.count, using: &generator)]
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: return Array(character.dropLast())
            case 1: return [UInt8.random(in: 0x80...0xFF, using: &generator)]
            default: return character
            }
        }
    }

    @Test("however bytes are split, the text is the same and never ends inside a character")
    func chunking() {
        var generator = SplitMix(seed: 21)
        for _ in 0..<2000 {
            let whole = bytes(&generator)
            var assembler = TextAssembler()
            var text = ""
            var rest = whole[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...4, using: &generator))
                rest = rest.dropFirst(piece.count)
                text += assembler.append(piece)
                let taken = whole.count - rest.count
                // At most three bytes are held back, and never a whole character.
                let eager = String(decoding: whole[..<taken], as: UTF8.self)
                #expect(eager.unicodeScalars.count - text.unicodeScalars.count <= 1)
                #expect(eager.unicodeScalars.starts(with: text.unicodeScalars))
            }
            text += assembler.finish()
            #expect(
                text.unicodeScalars.elementsEqual(String(decoding: whole, as: UTF8.self).unicodeScalars),
                "\(whole)"
            )
        }
    }

    @Test("tokens of single bytes combine into whole characters; special tokens appear only on request")
    func tokens() throws {
        let tokenizer = try TinyModel().tokenizer()
        let control = TinyVocabulary.shared.controlTokens
        let tokens = tokenizer.encode("é👍") + [control[2]] + tokenizer.encode("ж")
        var plain = IncrementalDetokenizer(tokenizer)
        let pieces = try tokens.map { (token) in try plain.append(token) }
        #expect(pieces == ["", "é", "", "", "", "👍", "", "", "ж"])
        #expect(plain.finish() == "")
        var shown = IncrementalDetokenizer(tokenizer, showsSpecial: true)
        #expect(try tokens.map { (token) in try shown.append(token) }.joined() == "é👍<|im_end|>ж")
        _ = try plain.append(tokens[0])
        #expect(plain.finish() == "\u{FFFD}")
        #expect(plain.finish() == "")
    }
}
