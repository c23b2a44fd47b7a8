import PacelineSpeculation

/// Goes through every outcome of a random process, each with its exact probability.
struct EnumeratedChance: Chance {
    /// For each question that has more than one answer: which of them is given.
    private var answers: [Int] = []
    private var asked = 0
    private var alternatives: [[Double]] = []
    /// The probability of the answers given so far.
    private(set) var weight = 1.0

    /// Runs `process` once for each outcome; `visit` gets its result and probability.
    static func forEachOutcome<Result>(
        of process: (inout EnumeratedChance) throws -> Result,
        visit: (Result, Double) -> Void
    ) rethrows {
        var chance = EnumeratedChance()
        repeat {
            let result = try process(&chance)
            visit(result, chance.weight)
        } while chance.advance()
    }

    mutating func happens(withProbability probability: Double) -> Bool {
        if probability >= 1 { return true }
        guard probability > 0 else { return false }
        return choose([probability, 1 - probability]) == 0
    }

    mutating func token(from law: TokenDistribution) -> Token {
        Token(choose(law.probabilities))
    }

    private mutating func choose(_ probabilities: [Double]) -> Int {
        if asked == answers.count {
            answers.append(probabilities.firstIndex { $0 > 0 } ?? 0)
            alternatives.append(probabilities)
        }
        let answer = answers[asked]
        weight *= probabilities[answer]
        asked += 1
        return answer
    }

    /// Prepares for the next outcome; `false` after the last.
    private mutating func advance() -> Bool {
        asked = 0
        weight = 1
        while let answer = answers.popLast() {
            let probabilities = alternatives[answers.count]
            if let next = probabilities.indices.first(where: { $0 > answer && probabilities[$0] > 0 }) {
                answers.append(next)
                return true
            }
            alternatives.removeLast()
        }
        return false
    }
}
