import PacelineChat
import Testing

@Suite("The splitter of thoughts")
struct ReasoningSplitterTests {
    /// Takes a text in pieces, each of as many characters as `sizes` says in turn.
    private func split(_ text: String, _ start: ReasoningSplitter.Start, sizes: [Int]) -> ReasoningSplitter.Output {
        var splitter = ReasoningSplitter(start)
        var output = ReasoningSplitter.Output()
        var rest = text[...]
        var turn = 0
        func add(_ piece: ReasoningSplitter.Output) {
            output.reasoning += piece.reasoning
            output.content += piece.content
        }
        while !rest.isEmpty {
            add(splitter.append(String(rest.prefix(sizes[turn % sizes.count]))))
            rest = rest.dropFirst(sizes[turn % sizes.count])
            turn += 1
        }
        add(splitter.finish())
        return output
    }

    private typealias Case = (text: String, start: ReasoningSplitter.Start, reasoning: String, content: String)

    private static let cases: [Case] = [
        ("<think>\nHm.\n</think>\n\nYes.", .open, "Hm.", "Yes."),
        ("Hm.\n</think>\nYes.", .reasoning, "Hm.", "Yes."),
        ("<think>a</think>", .open, "a", ""),
        ("<think></think>b", .open, "", "b"),
        ("<think>\n\n</think>\n\nb", .open, "", "b"),
        ("no thoughts <think>here</think>", .open, "", "no thoughts <think>here</think>"),
        ("  <think> x < y </ think> </thin </think> z", .open, "x < y </ think> </thin", "z"),
        ("  \n spaces first", .open, "", "  \n spaces first"),
        ("<think>cut in the mid", .open, "cut in the mid", ""),
        ("<think>cut  \n</thi", .open, "cut  \n</thi", ""),
        ("<thi", .open, "", "<thi"),
        ("<thinking>x", .open, "", "<thinking>x"),
        ("x</think>y", .content, "", "x</think>y"),
        ("x</think>y", .open, "", "x</think>y"),
        ("<think>größer <</think>≤</think>", .open, "größer <", "≤</think>"),
        ("", .open, "", ""), ("   ", .open, "", "   "),
    ]

    @Test("gives the same parts however the text is cut")
    func cuts() {
        for (text, start, reasoning, content) in Self.cases {
            let expected = ReasoningSplitter.Output(reasoning: reasoning, content: content)
            for sizes in [[1], [2], [3], [5], [1, 7], [4, 1, 1], [1000]] {
                #expect(split(text, start, sizes: sizes) == expected, "\(text.debugDescription) in \(sizes)")
            }
        }
    }

    @Test("gives random texts of markers and spaces the same parts however they are cut")
    func randomCuts() {
        var state: UInt64 = 1
        func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let parts = ["<think>", "</think>", "<", "</", "think>", " ", "\n", "a", "é", "<thin", "</thi"]
        for _ in 0..<3000 {
            let text = (0..<draw(9)).map { _ in parts[draw(parts.count)] }.joined()
            for start in [ReasoningSplitter.Start.open, .reasoning, .content] {
                let whole = split(text, start, sizes: [10_000])
                #expect(split(text, start, sizes: [1]) == whole, "\(text.debugDescription)")
                let sizes = (0..<3).map { _ in 1 + draw(6) }
                #expect(split(text, start, sizes: sizes) == whole, "\(text.debugDescription) in \(sizes)")
            }
        }
    }

    @Test("begins as the prompt leaves it")
    func starts() {
        func start(_ text: String) -> String { "\(ReasoningSplitter.Start(after: text))" }
        #expect(start("<|im_start|>assistant\n") == "open")
        #expect(start("assistant\n<think>\n") == "reasoning")
        #expect(start("assistant\n<think>\n\n</think>\n\n") == "content")
        #expect(start("") == "open" && start("<think>a</think><think>") == "reasoning")
    }
}
