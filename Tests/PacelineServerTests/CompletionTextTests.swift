import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineServer

@Suite("Texts of completions")
struct CompletionTextTests {
    private let tokenizer = ServerHarness.tokenizer
    private let control = TinyVocabulary.shared.controlTokens

    /// The text of tokens up to a stop string or the last token, which is an end token if `endsAtLast` is true.
    private func text(_ tokens: [Token], _ stops: [String], endsAtLast: Bool) -> (text: String, isStopped: Bool) {
        var completion = CompletionText(tokenizer: tokenizer, stops: stops)
        var text = ""
        for token in endsAtLast ? tokens.dropLast() : tokens {
            let (piece, isStopped) = completion.append(token, mayStop: true)
            text += piece
            if isStopped { return (text, true) }
        }
        return (text + completion.finish(at: endsAtLast ? tokens.last : nil), false)
    }

    @Test("a special token works as a stop string, alone and with text around it")
    func special() {
        let tokens = tokenizer.encode(" the of\n<|im_start|> in that")
        for stop in ["<|im_start|>", "<|im_start|> in", "\n<|im_start|>", " of\n<|im_start|> in t"] {
            let found = text(tokens, [stop], endsAtLast: false)
            let place = " the of\n<|im_start|> in that".firstRange(of: stop)?.lowerBound
            let expected = place.map { String(" the of\n<|im_start|> in that"[..<$0]) }
            #expect(found.isStopped && found.text == expected, "\(stop.debugDescription)")
        }
        #expect(text(tokens, ["<|im_end|>"], endsAtLast: false) == (" the of\n in that", false))
    }

    @Test("a stop string may end with the token that ends the text")
    func end() {
        let tokens = tokenizer.encode(" the\n<|im_end|>")
        #expect(text(tokens, ["\n<|im_end|>"], endsAtLast: true) == (" the", false))
        #expect(text(tokens, ["\n\n"], endsAtLast: true) == (" the\n", false))
        #expect(text(tokens, [], endsAtLast: true) == (" the\n", false))
        #expect(text(tokens, ["<|im_end|>"], endsAtLast: false) == (" the\n", true))
    }
}
