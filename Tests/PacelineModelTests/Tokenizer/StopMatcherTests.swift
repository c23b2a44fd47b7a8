import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineModel

@Suite("Stop strings")
struct StopMatcherTests {
    /// The definition: the text before the stop string that is complete first, or before the longest of several.
    private func naive(_ text: String, _ stops: [String]) -> (text: String, stop: String?) {
        let bytes = Array(text.utf8)
        for end in 0...bytes.count {
            let complete = stops.filter { !$0.isEmpty && bytes[..<end].suffix($0.utf8.count) == Array($0.utf8)[...] }
            if let stop = complete.max(by: { $0.utf8.count < $1.utf8.count }) {
                return (String(decoding: bytes[..<(end - stop.utf8.count)], as: UTF8.self), stop)
            }
        }
        return (text, nil)
    }

    private func randomText(_ length: Int, _ generator: inout SplitMix) -> String {
        String((0..<length).map { _ in "aabbé中".randomElement(using: &generator) ?? "a" })
    }

    @Test("a stream in any pieces ends where a search of the whole text does, and holds back no more than it must")
    func random() {
        var generator = SplitMix(seed: 31)
        var stopped = 0
        for _ in 0..<3000 {
            let stops = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in
                randomText(Int.random(in: 0..<6, using: &generator), &generator)
            }
            let text = randomText(Int.random(in: 0..<30, using: &generator), &generator)
            let expected = naive(text, stops)
            var matcher = StopMatcher(stops)
            var found = "", stop: String?
            var rest = text[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...5, using: &generator))
                rest = rest.dropFirst(piece.count)
                let output = matcher.append(String(piece))
                found += output.text
                stop = stop ?? output.stop
                let held = text.utf8.count - rest.utf8.count - found.utf8.count
                #expect(stop != nil || held < max(1, stops.map(\.utf8.count).max() ?? 0))
            }
            found += matcher.finish()
            #expect(found == expected.text && stop == expected.stop, "\(text) \(stops)")
            stopped += stop == nil ? 0 : 1
        }
        #expect(stopped > 1000)
    }

    @Test("text that cannot begin a stop string is released at once")
    func prompt() {
        var matcher = StopMatcher(["\n\n", "END"])
        #expect(matcher.append("one\n") == .init(text: "one"))
        #expect(matcher.append("two E") == .init(text: "\ntwo "))
        #expect(matcher.append("NE") == .init(text: "EN"))
        #expect(matcher.append("ND more") == .init(text: "", stop: "END"))
        #expect(matcher.append("after") == .init(text: ""))
        #expect(matcher.finish() == "")
    }

    @Test("an automaton finds overlapping occurrences")
    func overlapping() {
        var automaton = StopAutomaton("abab")
        let ends = Array("ababab-abab".utf8).enumerated().filter { automaton.advance(.byte($0.element)) }.map(\.offset)
        #expect(ends == [3, 5, 10])
    }

    @Test("a stop string that names special tokens matches the tokens, their spelled-out names, and text around them")
    func special() throws {
        let tokenizer = try TinyModel().tokenizer()
        let (start, end) = (TinyVocabulary.shared.controlTokens[1], TinyVocabulary.shared.controlTokens[2])
        var matcher = StopMatcher(["<|im_end|>", "\n<|im_start|>user"], tokenizer: tokenizer)
        #expect(matcher.append("one") == .init(text: "one"))
        #expect(matcher.append(special: start) == .init(text: ""))
        #expect(matcher.append("user\n") == .init(text: "user"))
        #expect(matcher.append(special: start) == .init(text: ""))
        // The held-back text is released without the token, which has no text.
        #expect(matcher.append("usher") == .init(text: "\nusher"))
        #expect(matcher.append("\n") == .init(text: ""))
        #expect(matcher.append(special: start) == .init(text: ""))
        #expect(matcher.append("user") == .init(text: "", stop: "\n<|im_start|>user"))
        for token in [end, nil] {
            matcher = StopMatcher(["<|im_end|>"], tokenizer: tokenizer)
            #expect(matcher.append("a<|im_") == .init(text: "a"))
            let stop = token.map { matcher.append(special: $0) } ?? matcher.append("end|>")
            #expect(stop == .init(text: token == nil ? "" : "<|im_", stop: "<|im_end|>"))
        }
        // Part of a name is text, and does not match the token.
        matcher = StopMatcher(["<|im", "end|>x"], tokenizer: tokenizer)
        #expect(matcher.append(special: end) == .init(text: ""))
        #expect(matcher.append("x") == .init(text: "x"))
    }

    @Test("a special token between the letters of a stop string does not hide it, because it has no text")
    func specialBetweenLetters() throws {
        let tokenizer = try TinyModel().tokenizer()
        let marker = TinyVocabulary.shared.controlTokens[1]
        var matcher = StopMatcher(["ab", "<|im_start|>c"], tokenizer: tokenizer)
        #expect(matcher.append("xa") == .init(text: "x"))
        #expect(matcher.append(special: marker) == .init(text: ""))
        #expect(matcher.append("a") == .init(text: "a"))
        #expect(matcher.append(special: marker) == .init(text: ""))
        #expect(matcher.append("b") == .init(text: "", stop: "ab"))
        matcher = StopMatcher(["ab", "<|im_start|>c"], tokenizer: tokenizer)
        #expect(matcher.append("a") == .init(text: ""))
        #expect(matcher.append(special: marker) == .init(text: ""))
        #expect(matcher.append("c") == .init(text: "a", stop: "<|im_start|>c"))
    }

    @Test("a stop string that ends where none may is text, and none ends with a later piece of it")
    func unstoppable() {
        var matcher = StopMatcher(["abab"])
        #expect(matcher.append("xabab", mayStop: false) == .init(text: "x"))
        #expect(matcher.append("c") == .init(text: "ababc"))
        #expect(matcher.append("aba", mayStop: false) == .init(text: ""))
        #expect(matcher.append("b") == .init(text: "", stop: "abab"))
        matcher = StopMatcher(["abab"])
        #expect(matcher.append("abab", mayStop: false) == .init(text: ""))
        #expect(matcher.append("ab") == .init(text: "ab", stop: "abab"))
    }

    @Test("without stop strings nothing is held back")
    func none() {
        var matcher = StopMatcher([""])
        #expect(matcher.append("é") == .init(text: "é"))
        #expect(matcher.finish() == "")
    }
}
