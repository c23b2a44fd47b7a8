import PacelineSpeculation
import PacelineTensor
import Testing

@testable import PacelineModel

@Suite("Sampler")
struct SamplerTests {
    /// Logits with a few likely tokens, many unlikely ones and some ties.
    static func logits(count: Int, seed: UInt64) -> [Float] {
        (0..<count).map { index in
            let noise = ExactMath.gumbel(seed: seed, position: 7, index: index)
            return index.isMultiple(of: 17) ? 2 : noise * 2
        }
    }

    static func next(
        _ parameters: SamplingParameters,
        _ logits: [Float],
        position: Int = 0,
        recent: [Token] = [],
        mask: TokenMask = .none,
        isa: InstructionSet = .best
    ) throws -> Token {
        try Sampler(parameters: parameters, vocabularySize: logits.count, mask: mask, isa: isa)
            .nextToken(FloatMatrix(logits), row: 0, position: position, recent: recent[...])
    }

    /// The tokens that pass top-k, top-p and min-p, found by sorting all logits, in float64.
    static func support(_ parameters: SamplingParameters, _ logits: [Float]) -> Set<Token> {
        var ranked = logits.indices.sorted {
            logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1
        }
        if parameters.topK > 0 { ranked = Array(ranked.prefix(parameters.topK)) }
        let weight = { (index: Int) in
            Double(ExactMath.exp((logits[index] - logits[ranked[0]]) / parameters.temperature))
        }
        let total = ranked.reduce(0) { $0 + weight($1) }
        var sum = 0.0
        var kept: Set<Token> = []
        for index in ranked {
            guard sum < Double(parameters.topP) * total || kept.isEmpty else { break }
            sum += weight(index)
            if weight(index) >= Double(parameters.minP) { kept.insert(Token(index)) }
        }
        return kept
    }

    @Test(
        "The distribution is that of the chosen tokens",
        arguments: [
            SamplingParameters.greedy, SamplingParameters(temperature: 0.8),
            SamplingParameters(temperature: 1, topK: 5),
            SamplingParameters(temperature: 0.7, topP: 0.9), SamplingParameters(temperature: 1.5, minP: 0.2),
        ]
    )
    func distribution(parameters: SamplingParameters) throws {
        let logits = Self.logits(count: 40, seed: 3)
        let law = try Sampler(parameters: parameters, vocabularySize: 40)
            .distribution(FloatMatrix(logits), row: 0, position: 0, recent: [])
        var counts = [Double](repeating: 0, count: 40)
        for position in 0..<4000 {
            counts[Int(try Self.next(parameters, logits, position: position))] += 1.0 / 4000
        }
        let distance = counts.indices.reduce(0) { $0 + abs(counts[$1] - law[Token($1)]) / 2 }
        // Chance alone gives about 0.03 for 40 outcomes.
        #expect(distance < 0.06, "\(distance)")
        for token in counts.indices where counts[token] > 0 { #expect(law[Token(token)] > 0) }
    }

    @Test("Temperature 0 takes the largest logit, and the lowest id among equal ones")
    func greedy() throws {
        #expect(try Self.next(.greedy, [1, 3, 2, 3]) == 1)
    }

    @Test(
        "Before its mask ends, a masked token is chosen as rarely as one that is next to impossible",
        arguments: [
            SamplingParameters.greedy, SamplingParameters(temperature: 1, topK: 5),
            SamplingParameters(temperature: 0.7, topP: 0.9, presencePenalty: 1),
            SamplingParameters(temperature: 1.5, minP: 0.2), SamplingParameters(temperature: 2),
        ]
    )
    func mask(parameters: SamplingParameters) throws {
        let logits = Self.logits(count: 500, seed: 3)
        let likely = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(40)
        let mask = TokenMask(likely.map(Token.init), below: 10)
        var without = logits
        for index in likely { without[index] = -1e30 }
        var parameters = parameters
        parameters.logitBias = [SamplingParameters.LogitBias(token: Token(likely[0]), bias: 100)]
        for seed in 0..<200 as Range<UInt64> {
            parameters.seed = seed
            let recent: [Token] = [Token(likely[1]), 7]
            let chosen = try Self.next(parameters, logits, position: 9, recent: recent, mask: mask)
            #expect(try chosen == Self.next(parameters, without, position: 9, recent: recent))
            let later = try Self.next(parameters, logits, position: 10, recent: recent, mask: mask)
            #expect(try later == Self.next(parameters, logits, position: 10, recent: recent))
        }
        // Some token must be chosen.
        #expect(try Self.next(parameters, [1, 2], mask: TokenMask([0, 1], below: 9)) <= 1)
    }

    @Test("Every instruction set chooses the same token")
    func determinism() throws {
        let logits = Self.logits(count: 5_000, seed: 1)
        for seed in 0..<20 as Range<UInt64> {
            let parameters = SamplingParameters(temperature: 0.8, topP: 0.95, seed: seed)
            let tokens = try InstructionSet.supported.map { try Self.next(parameters, logits, position: 3, isa: $0) }
            #expect(Set(tokens).count == 1)
        }
    }

    @Test(
        "Tokens come from the support that a full sort gives",
        arguments: [
            SamplingParameters(temperature: 1, topK: 5), SamplingParameters(temperature: 0.7, topP: 0.5),
            SamplingParameters(temperature: 1.5, minP: 0.2),
            SamplingParameters(temperature: 1, topK: 40, topP: 0.8, minP: 0.05),
            SamplingParameters(temperature: 5, topP: 0.99),
        ]
    )
    func support(parameters: SamplingParameters) throws {
        let logits = Self.logits(count: 1_000, seed: 2)
        let expected = Self.support(parameters, logits)
        var seen: Set<Token> = []
        for seed in 0..<2_000 as Range<UInt64> {
            var parameters = parameters
            parameters.seed = seed
            seen.insert(try Self.next(parameters, logits))
        }
        #expect(seen.isSubset(of: expected))
        #expect(expected.count > 20 || seen == expected)
    }

    @Test("Over many seeds, token frequencies match the softmax")
    func frequencies() throws {
        let logits: [Float] = [0, 1, 2, 0.5, -1]
        let temperature: Float = 0.9
        let draws = 40_000
        var counts = [Int](repeating: 0, count: logits.count)
        for seed in 0..<UInt64(draws) {
            counts[Int(try Self.next(SamplingParameters(temperature: temperature, seed: seed), logits))] += 1
        }
        let weights = logits.map { Double(ExactMath.exp($0 / temperature)) }
        let total = weights.reduce(0, +)
        let chiSquare = zip(counts, weights).reduce(0.0) { sum, pair in
            let expected = Double(draws) * pair.1 / total
            return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
        }
        // 4 degrees of freedom: 18.47 is exceeded once in a thousand.
        #expect(chiSquare < 18.47)
    }

    @Test("Penalties change the logits of recent tokens as documented, and no others")
    func penalties() throws {
        let parameters = SamplingParameters(
            temperature: 0,
            repetitionPenalty: 2,
            frequencyPenalty: 0.5,
            presencePenalty: 0.25,
            repeatLastN: 4
        )
        // Token 0: 4 / 2 − 2 · 0.5 − 0.25 = 0.75; token 1: −1 · 2 − 0.5 − 0.25.
        #expect(try Self.next(parameters, [4, -1, 0.7], recent: [0, 1, 0]) == 0)
        #expect(try Self.next(parameters, [4, -1, 0.8], recent: [0, 1, 0]) == 2)
        // Token 0 is outside the window and has no penalty.
        #expect(try Self.next(parameters, [4, -1, 0.8], recent: [0, 0, 1, 1, 1, 1]) == 0)
    }

    @Test("Logit bias forbids and forces tokens")
    func bias() throws {
        let forbid = SamplingParameters(temperature: 0, logitBias: [.init(token: 1, bias: -.infinity)])
        #expect(try Self.next(forbid, [1, 5, 2]) == 2)
        let force = SamplingParameters(temperature: 1, logitBias: [.init(token: 0, bias: 100)])
        #expect(try Self.next(force, [1, 5, 2]) == 0)
    }

    @Test(
        "A drafter's best candidate is the token that a target with the same logits chooses",
        arguments: [
            SamplingParameters.greedy, SamplingParameters(temperature: 1),
            SamplingParameters(temperature: 0.8, topP: 0.95),
            SamplingParameters(temperature: 1.2, topK: 3),
            SamplingParameters(temperature: 1, minP: 0.1, repetitionPenalty: 1.3),
        ]
    )
    func candidates(parameters: SamplingParameters) throws {
        let logits = Self.logits(count: 2_000, seed: 3)
        for seed in 0..<50 as Range<UInt64> {
            var parameters = parameters
            parameters.seed = seed
            let sampler = Sampler(parameters: parameters, vocabularySize: logits.count)
            let recent: [Token] = [3, 17, 17, 34]
            let candidates = try sampler.candidates(
                FloatMatrix(logits),
                row: 0,
                position: 11,
                recent: recent[...],
                count: 6
            )
            #expect(try candidates.first?.token == Self.next(parameters, logits, position: 11, recent: recent))
            #expect(Set(candidates.map(\.token)).count == candidates.count)
            #expect(candidates.allSatisfy { $0.logProbability <= 0 && $0.logProbability.isFinite })
        }
    }

    // MARK: Numbers that are not finite

    private static let laws = [
        SamplingParameters.greedy, SamplingParameters(temperature: 1), SamplingParameters(temperature: 1, topK: 3),
        SamplingParameters(temperature: 0.001, topP: 0.9), SamplingParameters(temperature: 1, minP: 0.1),
        SamplingParameters(temperature: 100, repetitionPenalty: 100), SamplingParameters(temperature: 1, topK: 1),
    ]

    @Test("A logit that is not finite is an error with its token and position, and never yields token 0")
    func notFinite() throws {
        for value: Float in [.nan, .infinity, -.infinity] {
            for (place, logits) in [(3, [1, 2, 3, value, 5]), (0, [value, value, value]), (1, [9, value, value])] {
                let expected = LogitError(token: Token(place), value: value, position: 12)
                for parameters in Self.laws {
                    #expect(throws: expected) {
                        try Self.next(parameters, logits, position: 12, recent: [1])
                    }
                    let sampler = Sampler(parameters: parameters, vocabularySize: logits.count)
                    #expect(throws: expected) {
                        try sampler.candidates(FloatMatrix(logits), row: 0, position: 12, recent: [1], count: 2)
                    }
                }
                #expect(expected.description.contains("token \(place) the logit \(value) at position 12"))
            }
        }
    }

    @Test("The error from a trimmed head names the token, not the column")
    func trimmed() {
        let columns = LogitColumns(first: 2, special: [7], vocabularySize: 8)
        let sampler = Sampler(parameters: .greedy, columns: columns)
        #expect(throws: LogitError(token: 7, value: .infinity, position: 0)) {
            try sampler.candidates(FloatMatrix([1, 2, .infinity]), row: 0, position: 0, recent: [], count: 1)
        }
    }

    @Test("Extreme finite logits and parameters do not overflow: the largest logit stays the most likely")
    func overflow() throws {
        let most = Float.greatestFiniteMagnitude
        let logits: [Float] = [-most, 1e30, -1e36, 2.5e38, 3, -most]
        for temperature: Float in [0, 0.001, 0.5, 1, 100] {
            for penalty: Float in [0.01, 1, 100] {
                for (topK, topP, minP) in [(0, 1, 0), (2, 1, 0), (0, 0.5, 0), (3, 0.9, 0.2), (0, 1, 1)]
                    as [(Int, Float, Float)]
                {
                    let parameters = SamplingParameters(
                        temperature: temperature,
                        topK: topK,
                        topP: topP,
                        minP: minP,
                        repetitionPenalty: penalty,
                        frequencyPenalty: -2,
                        presencePenalty: 2,
                        logitBias: [.init(token: 0, bias: -100), .init(token: 3, bias: 100)],
                        seed: 4
                    )
                    let recent: [Token] = [0, 2, 2, 5]
                    #expect(try Self.next(parameters, logits, position: 3, recent: recent) == 3)
                    let sampler = Sampler(parameters: parameters, vocabularySize: logits.count)
                    let row = FloatMatrix(logits)
                    let candidates = try sampler.candidates(row, row: 0, position: 3, recent: recent[...], count: 6)
                    #expect(candidates[0].token == 3)
                    for candidate in candidates {
                        #expect(candidate.logProbability.isFinite && candidate.logProbability <= 0)
                    }
                }
            }
        }
    }
}
