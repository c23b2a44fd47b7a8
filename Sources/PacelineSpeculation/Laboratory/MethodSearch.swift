/// Finds the fastest of several methods by trying them side by side: successive halving (Karnin, Koren and Somekh 2013;
/// Jamieson and Talwalkar, arXiv 1502.07943).
///
/// All methods that are still in the race run on each prompt, beside plain decoding. After 1, 2, 4, 8 … prompts the
/// slower half leaves, as long as more than two are left. So most of the time goes to the best.
package struct MethodSearch: Sendable {
    package struct Standing: Sendable, Hashable {
        package var method: Int
        package var prompts: Int
        /// The geometric mean of its speed-ups over plain decoding; nil before the first.
        package var speedUp: Double?
        package var isInRace: Bool
    }

    private var logarithms: [[Double]]
    private var race: [Int]
    private var rounds = 0
    private var nextCut = 1

    /// - Parameter methods: how many there are; at least one.
    package init(methods: Int) {
        logarithms = Array(repeating: [], count: methods)
        race = Array(0..<methods)
    }

    /// The methods to try on the next prompt.
    package var contenders: [Int] { race }

    /// A method has run.
    ///
    /// - Parameter speedUp: over plain decoding of the same prompt; positive.
    package mutating func record(_ method: Int, speedUp: Double) {
        guard speedUp > 0, speedUp.isFinite else { return }
        logarithms[method].append(Double.logarithm(speedUp))
    }

    /// All contenders have run on a prompt.
    package mutating func finishPrompt() {
        rounds += 1
        guard rounds >= nextCut else { return }
        nextCut *= 2
        guard race.count > 2 else { return }
        let ranked = race.sorted { (mean($0) ?? -.infinity, $1) > (mean($1) ?? -.infinity, $0) }
        race = ranked.prefix(Swift.max(2, (race.count + 1) / 2)).sorted()
    }

    /// All methods: those in the race first, and then the fastest first.
    package var standings: [Standing] {
        let all = logarithms.indices.map { method in
            Standing(
                method: method,
                prompts: logarithms[method].count,
                speedUp: mean(method).map(Double.exponential),
                isInRace: race.contains(method)
            )
        }
        return all.sorted { lhs, rhs in
            guard lhs.isInRace == rhs.isInRace else { return lhs.isInRace }
            let (left, right) = (lhs.speedUp ?? 0, rhs.speedUp ?? 0)
            return left == right ? lhs.method < rhs.method : left > right
        }
    }

    /// The fastest method; nil if plain decoding is faster, or nothing has run.
    package var best: Int? {
        guard let first = standings.first, let speedUp = first.speedUp, speedUp > 1 else { return nil }
        return first.method
    }

    private func mean(_ method: Int) -> Double? {
        let values = logarithms[method]
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
