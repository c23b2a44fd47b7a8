import PacelineSpeculation
import Testing

@Suite("Laws and chance")
struct TokenDistributionTests {
    @Test("weights become probabilities, and what are no weights becomes nothing")
    func weights() throws {
        #expect(try #require(TokenDistribution(weights: [1, 3])).probabilities == [0.25, 0.75])
        for weights in [[], [0, 0], [1, -1], [1, .nan], [1, .infinity]] {
            #expect(TokenDistribution(weights: weights) == nil)
        }
    }

    @Test("tokens outside the vocabulary are impossible")
    func outside() throws {
        #expect(try #require(TokenDistribution(weights: [1]))[1] == 0)
    }

    @Test("drawing without replacement goes on among what is left, and evenly when nothing probable is")
    func excluding() throws {
        let law = try #require(TokenDistribution(weights: [2, 1, 1, 0]))
        #expect(law.excluding([] as [Token]) == law)
        #expect(try #require(law.excluding([0])).probabilities == [0, 0.5, 0.5, 0])
        #expect(try #require(law.excluding([2, 0, 1])).probabilities == [0, 0, 0, 1])
        #expect(try #require(TokenDistribution(weights: [1, 0, 0])?.excluding([0])).probabilities == [0, 0.5, 0.5])
        #expect(law.excluding([0, 1, 2, 3]) == nil)
    }

    @Test("explicit uniforms decide, in the order of the questions")
    func uniforms() throws {
        let law = try #require(TokenDistribution(weights: [0.25, 0, 0.5, 0.25]))
        var uniforms = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999999999999999].makeIterator()
        var chance = UniformChance { uniforms.next() ?? 0 }
        #expect((0..<6).map { _ in chance.token(from: law) } == [0, 0, 2, 2, 3, 3])
        uniforms = [0.0, 0.3, 0.2999, 0.9999].makeIterator()
        #expect((0..<4).map { chance.happens(withProbability: [0, 0.3, 0.3, 1][$0]) } == [false, false, true, true])
    }

    @Test("rounding at the end of a law yields its last possible token")
    func rounding() throws {
        let law = try #require(TokenDistribution(weights: Array(repeating: 1, count: 49) + [0]))
        var chance = UniformChance { 1.0.nextDown }
        #expect(chance.token(from: law) == 48)
    }

    @Test("a sampled tree checks parents always, and siblings where drawn without replacement")
    func sampledTree() throws {
        let law = try #require(TokenDistribution(weights: [1, 1]))
        let twins = [0, 0].map { SampledTree.Node(parent: nil, token: Token($0), law: law) }
        #expect(try SampledTree(twins, replacement: .with).children(of: nil) == [0, 1])
        #expect(throws: TreeError.duplicateSibling(parent: nil, token: 0)) {
            try SampledTree(twins, replacement: .without)
        }
        for parent in [0, 1, -1] {
            #expect(throws: TreeError.parentOutOfRange(parent: parent, nodeCount: 0)) {
                try SampledTree([.init(parent: parent, token: 0, law: law)], replacement: .with)
            }
        }
    }
}
