/// Turns what followed ever shorter contexts into probabilities, by the escape rule of PPM's method C (Moffat 1990,
/// doi.org/10.1109/26.61469) with more trust in longer contexts.
///
/// Take a context of `g` tokens that was followed `t` times by `d` distinct tokens that no longer context proposed. It
/// gets g·t / (g·t + d) of the probability that longer contexts left, divided by frequency.
struct EscapeMixture {
    private(set) var candidates: [Candidate] = []
    private var left = 1.0

    /// Adds a context, which must not be longer than those before it.
    ///
    /// - Parameters:
    ///   - length: of the context, in tokens; at least 1.
    ///   - successors: the tokens that followed it, preferred ones first among equally frequent ones. Those already
    ///     proposed are ignored.
    mutating func add(length: Int, successors: [(token: Token, count: Int)]) {
        let new = successors.filter { next in !candidates.contains { $0.token == next.token } }
        guard !new.isEmpty else { return }
        let occurrences = new.reduce(0.0) { $0 + Double($1.count) }
        let weight = occurrences * Double(length) + Double(new.count)
        for next in new {
            let share = Double(next.count) * Double(length) / weight
            let belief = Float(Double.logarithm(Swift.max(left * share, 1e-9)))
            candidates.append(Candidate(token: next.token, logProbability: belief))
        }
        left *= Double(new.count) / weight
    }

    /// The most probable candidates; equally probable ones stay in the order of longer contexts.
    func best(_ width: Int) -> [Candidate] {
        Array(candidates.sorted { $0.logProbability > $1.logProbability }.prefix(width))
    }
}
