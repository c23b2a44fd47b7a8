import PacelineSpeculation
import Testing

@Suite("The prediction drafter")
struct PredictionDrafterTests {
    private static let text: [Token] = (0..<40).map { Token(($0 * 7) % 41) }

    private static func proposal(_ drafter: PredictionDrafter, limits: TreeLimits = TreeLimits()) -> [Token] {
        drafter.tree(limits: limits).map(\.token)
    }

    @Test("proposes the rest of the prediction as one chain, down to the limits, and nothing behind its end")
    func chain() throws {
        var drafter = PredictionDrafter(Self.text)
        let limits = TreeLimits(nodes: 512, depth: 12)
        #expect(Self.proposal(drafter, limits: limits) == Array(Self.text.prefix(12)))
        drafter.follow(Array(Self.text.prefix(30)))
        #expect(Self.proposal(drafter) == Array(Self.text.dropFirst(30)))
        let tree = drafter.tree(limits: limits)
        #expect(tree.indices.allSatisfy { tree.depth(of: $0) == $0 + 1 })
        drafter.follow(Array(Self.text.dropFirst(30)))
        #expect(Self.proposal(drafter).isEmpty)
        drafter.follow([1, 2, 3])
        #expect(Self.proposal(PredictionDrafter([])).isEmpty)
    }

    @Test("finds its place again after tokens that were replaced, added or left out")
    func edits() {
        for edited in [[99], [], [99, 98, 97], Array(Self.text[10...13]) + [99]] as [[Token]] {
            var drafter = PredictionDrafter(Self.text, text: Array(Self.text.prefix(10)))
            drafter.follow(edited)
            drafter.follow(Array(Self.text[14..<18]))
            #expect(Self.proposal(drafter) == Array(Self.text.dropFirst(18).prefix(32)), "after \(edited)")
        }
    }

    @Test("goes on behind one replaced token at once")
    func replaced() {
        let drafter = PredictionDrafter(Self.text, text: Array(Self.text.prefix(10)) + [99])
        #expect(Self.proposal(drafter) == Array(Self.text.dropFirst(11)))
    }

    @Test("is surer the more tokens in a row were as predicted")
    func confidence() throws {
        var beliefs: [Float] = []
        for count in [0, 1, 4, 30] {
            let drafter = PredictionDrafter(Self.text, text: Array(Self.text.prefix(count)))
            beliefs.append(try #require(drafter.tree(limits: TreeLimits()).first).logProbability)
        }
        #expect(beliefs == beliefs.sorted() && Set(beliefs).count == 4 && beliefs.allSatisfy { $0 < 0 })
    }
}
