import PacelineGrammar
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineModel

@Suite("Drafting for another vocabulary")
struct RetokenizingDrafterTests {
    /// English, code, and characters of two, three and four bytes.
    static let text = """
        The number of people that can see how this is made is not the same as the number that use it.
        def find(value, list):\n    return [x for x in list if x == value]  # naïve, aber schön
        彼は「時間がない」と言った。 🙂🙃 and then there were more than two of them: ¡sí, señor! 100% of 3.14159…

        That was all; it would not do to look for more at this time.
        """

    /// Every second byte pair is a token, whatever the words.
    static let pairs = BytePairVocabulary.file(preTokenizer: "qwen2")

    static func tokenizers() throws -> (words: Tokenizer, pairs: Tokenizer) {
        (try TinyModel().tokenizer(), try Tokenizer(GGUFFile(bytes: pairs, name: "pairs.gguf")))
    }

    /// Lets a drafter that knows the text draft it, as for a target that would write just this text.
    ///
    /// - Returns: how many of the target's tokens were drafted, and of how many.
    static func accepted(drafter: Tokenizer, target: Tokenizer, text: String, prompt: Int) throws -> (Int, of: Int) {
        let wanted = target.encode(text)
        var base = Array(wanted.prefix(prompt))
        let drafting = RetokenizingDrafter(
            KnowingDrafter(text: Array(text.utf8), tokenizer: drafter),
            drafter: drafter,
            target: target
        )
        try drafting.begin(base: base, sampling: .greedy)
        var accepted = 0
        while base.count < wanted.count {
            var tree = TokenTree()
            while tree.count < 8 {
                let node = tree.isEmpty ? nil : tree.count - 1
                guard let next = try drafting.expand(tree, at: [node], width: 2)[0].first else { break }
                #expect(Int(next.token) < target.tokenCount && next.logProbability <= 0)
                try tree.append(.init(parent: node, token: next.token, logProbability: next.logProbability))
            }
            let run = zip(tree, wanted[base.count...]).prefix { $0.token == $1 }.count
            accepted += run
            let committed = Array(wanted[base.count..<min(wanted.count, base.count + run + 1)])
            try drafting.advance(tree.reroot(after: committed))
            base += committed
        }
        return (accepted, wanted.count - prompt)
    }

    @Test("proposes nearly all of a text that the drafter foresees", arguments: [1, 2, 3, 7, 40])
    func foresight(prompt: Int) throws {
        let (words, pairs) = try Self.tokenizers()
        for (drafter, target) in [(words, pairs), (pairs, words), (words, words)] {
            let (accepted, all) = try Self.accepted(
                drafter: drafter,
                target: target,
                text: Self.text,
                prompt: prompt
            )
            // Eight of nine is all that trees of eight nodes can give.
            #expect(Double(accepted) > 0.8 * Double(all), "\(accepted) of \(all)")
        }
    }

    @Test("reads the target's text, and its markers, however the tokens come")
    func context() throws {
        let (words, pairs) = try Self.tokenizers()
        let long = String(repeating: Self.text, count: 6)
        let prompt = "<|im_start|>user\n\(long)<|im_end|>\n<|im_start|>assistant\nThe "
        var random = SplitMix(seed: 3)
        for (target, drafter) in [(words, pairs), (pairs, words)] {
            let tokens = target.encode(prompt)
            var context = RetokenizedContext(target: target, drafter: drafter)
            var done = 0
            while done < tokens.count {
                let count = min(tokens.count - done, 1 + Int.random(in: 0..<30, using: &random))
                try context.append(Array(tokens[done..<done + count]))
                done += count
                let text = try target.decode(Array(tokens.prefix(done)))
                #expect(try drafter.decode(context.tokens) + context.unfinished == text)
            }
            #expect(context.tokens.filter { $0 == drafter.marker(spelled: ArraySlice("<|im_start|>".utf8)) }.count == 2)
        }
    }

    @Test("ends with the target's token where the drafter ends")
    func end() throws {
        let (words, pairs) = try Self.tokenizers()
        let text = "There is no more"
        let drafting = RetokenizingDrafter(
            KnowingDrafter(text: Array(text.utf8), tokenizer: words),
            drafter: words,
            target: pairs
        )
        try drafting.begin(base: pairs.encode(text), sampling: .greedy)
        let last = try drafting.expand(TokenTree(), at: [nil], width: 4)[0]
        #expect(last.map(\.token) == [pairs.marker(spelled: ArraySlice("<|im_end|>".utf8))])
    }

    @Test("proposes the drafter's other choices where both vocabularies have them")
    func others() throws {
        let (words, _) = try Self.tokenizers()
        var model = TinyModel()
        model.tokenTexts = [Int(TinyVocabulary.shared.controlTokens[0]): "<|end|>"]
        let other = try model.tokenizer()
        #expect(other.vocabularyFingerprint != words.vocabularyFingerprint)
        let drafting = RetokenizingDrafter(
            KnowingDrafter(text: Array("They find it there".utf8), tokenizer: words, other: words.encode(" made")[0]),
            drafter: words,
            target: other
        )
        try drafting.begin(base: other.encode("They"), sampling: .greedy)
        let choices = try drafting.expand(TokenTree(), at: [nil], width: 4)[0]
        #expect(choices.map(\.token) == [other.encode(" find")[0], other.encode(" made")[0]])
    }

    @Test("says nothing where the drafter goes on with another character than the one that has begun")
    func otherCharacter() throws {
        let (words, _) = try Self.tokenizers()
        let drafting = RetokenizingDrafter(
            KnowingDrafter(text: Array("é彼 yes".utf8), tokenizer: words),
            drafter: words,
            target: words
        )
        // Two bytes of another one.
        try drafting.begin(base: Array(words.encode("é🙂").prefix(4)), sampling: .greedy)
        #expect(try drafting.expand(TokenTree(), at: [nil], width: 2) == [[]])
    }

    @Test("proposes legal tokens only: what the drafter writes while it is legal, then the next best of its choices")
    func constrained() throws {
        let (words, pairs) = try Self.tokenizers()
        for (drafter, target, least) in [(words, pairs, " of people that b"), (pairs, words, " of people tha")] {
            let prompt = target.encode("The number")
            let constraint = try Constraint(.regex(" of people that [a-m]+x"), tokenizer: target)
            let writer = KnowingDrafter(
                text: Array("The number of people that zebra".utf8),
                tokenizer: drafter,
                other: drafter.encode("b")[0]
            )
            let compiler = ConstraintCompiler(target)
            let drafting = RetokenizingDrafter(writer, drafter: drafter, target: target, compiler: compiler)
            let told = constraint.draft(promptLength: prompt.count)
            try drafting.begin(base: prompt, sampling: .greedy, constraint: told)
            let cursor = ConstraintCursor(constraint)
            var (tree, place) = (TokenTree(), cursor.place)
            while tree.count < 24 {
                let node = tree.isEmpty ? nil : tree.count - 1
                let candidates = try drafting.expand(tree, at: [node], width: 2)[0]
                #expect(candidates.allSatisfy { cursor.place(behind: $0.token, at: place) != nil })
                guard let next = candidates.first, let behind = cursor.place(behind: next.token, at: place)
                else { break }
                place = behind
                try tree.append(.init(parent: node, token: next.token, logProbability: next.logProbability))
            }
            let text = String(decoding: try target.decode(tree.map(\.token)), as: UTF8.self)
            #expect(text.hasPrefix(least), "\(text)")
        }
    }
}

/// Writes a text that it knows behind any part of it, and then ends.
private struct KnowingDrafter: Drafter {
    let text: [UInt8]
    let tokenizer: Tokenizer
    /// What it thinks possible everywhere.
    var other: Token?
    private var rest: [Token] = []

    init(text: [UInt8], tokenizer: Tokenizer, other: Token? = nil) {
        (self.text, self.tokenizer, self.other) = (text, tokenizer, other)
    }

    var isModelFree: Bool { true }

    mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        let read = try tokenizer.decode(base).count
        rest = tokenizer.encode(String(decoding: text.dropFirst(read), as: UTF8.self))
        if let end = tokenizer.eos ?? tokenizer.endOfGeneration.min() { rest.append(end) }
    }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        nodes.map { node in
            let depth = tree.depth(of: node)
            guard depth < rest.count else { return [] }
            let tokens = [rest[depth]] + (other.map { [$0] } ?? [])
            return tokens.prefix(width).enumerated().map { Candidate(token: $1, logProbability: -1 - Float($0)) }
        }
    }

    mutating func advance(_ rerooting: Rerooting) throws {
        rest.removeFirst(rerooting.committed.count)
    }
}
