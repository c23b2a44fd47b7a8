import PacelineSpeculation
import Testing

/// What drafters of one kind share across sequences.
@Suite("Memory shared by sequences")
struct SharedMemoryTests {
    private static func source(_ text: String) throws -> LookUpSource {
        LookUpSource(try #require(try LookUpSettings(text))) { _ in Datastore([], vocabulary: .tests) }
    }

    private static func committed(_ tokens: [Token]) -> Rerooting {
        Rerooting(committed: tokens, path: [], kept: [], tree: TokenTree())
    }

    /// The first choice of a fresh drafter after `base`.
    private static func guess(_ source: LookUpSource, after base: [Token]) throws -> Token? {
        var drafter = source.makeDrafter()
        try drafter.begin(base: base, sampling: .greedy)
        return try drafter.expand(TokenTree(), at: [nil], width: 3)[0].first?.token
    }

    @Test("a sequence drafts what another produced", arguments: ["suffix", "trie", "recycling"])
    func shared(name: String) throws {
        let source = try Self.source(name)
        #expect(try Self.guess(source, after: [7, 104, 105, 106]) == nil)
        var first = source.makeDrafter()
        try first.begin(base: [1, 2, 3], sampling: .greedy)
        let text = (100..<148).map { Token($0) }
        for token in text { try first.advance(Self.committed([token])) }
        #expect(try Self.guess(source, after: [7, 104, 105, 106]) == 107)
    }

    @Test("memory stays bounded, and later passages replace earlier ones", arguments: ["suffix", "trie", "recycling"])
    func bounded(name: String) throws {
        let source = try Self.source("\(name):memory=65536")
        var drafter = source.makeDrafter()
        for round in 0..<60 {
            try drafter.begin(base: [1], sampling: .greedy)
            for token in 0..<100 { try drafter.advance(Self.committed([Token(1000 * round + token)])) }
        }
        #expect(try Self.guess(source, after: [5, 59_040, 59_041, 59_042]) == 59_043)
        #expect(try Self.guess(source, after: [5, 40, 41, 42]) == nil, "the first round is forgotten")
    }

    @Test("memories take no more than they may")
    func sizes() throws {
        var random = SplitMix(seed: 8)
        let texts = TextMemory(memory: 100_000, longest: 8)
        let passages = PassageMemory(memory: 100_000)
        let table = SuccessorTable(width: 4, memory: 10_000)
        var trie = TrieDrafter(shared: passages)
        var recycling = RecyclingDrafter(table: table)
        trie.begin(base: [1], sampling: .greedy)
        recycling.begin(base: [1], sampling: .greedy)
        for _ in 0..<300 {
            let text = (0..<40).map { _ in Token(random.next(below: 5000)) }
            texts.add(text)
            trie.advance(Self.committed(text))
            recycling.advance(Self.committed(text))
            // The younger automaton may exceed its half by one text.
            #expect(texts.size <= 100_000 + 2 * 40 * 2 * 100)
            #expect(passages.count <= 100_000 / 48)
            #expect(table.count <= 10_000 / 96 + 1)
        }
        #expect(texts.size > 20_000 && passages.count > 500 && table.count > 40)
    }

    @Test("recycling learns from what other drafters propose, behind what has really followed")
    func recycling() throws {
        let table = SuccessorTable(width: 3, memory: 10_000)
        var drafter = RecyclingDrafter(table: table)
        drafter.begin(base: [1, 2, 1], sampling: .greedy)
        let tree = try TokenTree([
            .init(parent: nil, token: 5, logProbability: -0.1), .init(parent: nil, token: 6, logProbability: -0.2),
            .init(parent: 0, token: 7, logProbability: -0.3),
        ])
        let proposals = drafter.expand(tree, at: [nil, 0, 1], width: 4).map { $0.map(\.token) }
        #expect(proposals == [[2, 5, 6], [7], []])
    }

    @Test("phrases come from what was drafted and not used")
    func phrases() throws {
        let source = try Self.source("phrases")
        var drafter = source.makeDrafter()
        try drafter.begin(base: [1], sampling: .greedy)
        // 2 3 is committed; 20 21 22 is not used.
        let tree = try TokenTree([
            .init(parent: nil, token: 2, logProbability: -0.1), .init(parent: nil, token: 20, logProbability: -0.9),
            .init(parent: 1, token: 21, logProbability: -0.1), .init(parent: 2, token: 22, logProbability: -0.1),
            .init(parent: 0, token: 3, logProbability: -0.1),
        ])
        #expect(try drafter.expand(tree, at: [nil], width: 3)[0].isEmpty)
        try drafter.advance(tree.reroot(after: [2, 3]))
        try drafter.advance(Self.committed([20]))
        let next = try TokenTree([.init(parent: nil, token: 21, logProbability: -0.1)])
        #expect(try drafter.expand(next, at: [nil, 0], width: 3).map { $0.map(\.token) } == [[21], [22]])
        #expect(try Self.guess(source, after: [2]) == nil, "committed text is no discarded text")
    }
}
