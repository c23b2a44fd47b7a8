/// Gumbel noise that depends only on a seed and on the tokens of a path, so that planners stay functions of their
/// input.
package struct GumbelNoise: Sendable, Hashable {
    package var seed: UInt64

    package init(seed: UInt64) {
        self.seed = seed
    }

    /// A draw from the standard Gumbel distribution for the last token of a path.
    package func value(_ path: [Token]) -> Double {
        var hash = BaseHash(rawValue: BaseHash().rawValue ^ seed)
        hash.append(path)
        var generator = SplitMix(seed: hash.rawValue)
        // Never 0 or 1.
        let uniform = (Double(generator.next() >> 12) + 0.5) * 0x1p-52
        return -Double.logarithm(-Double.logarithm(uniform))
    }

    /// A path with its logarithmic probability and that plus noise.
    package struct Perturbed: Sendable, Hashable {
        package var logProbability: Double
        package var value: Double

        package init(logProbability: Double, value: Double) {
            (self.logProbability, self.value) = (logProbability, value)
        }

        /// The empty path.
        package static let root = Perturbed(logProbability: 0, value: 0)
    }

    /// The perturbed paths of all children of a path, under the condition that the greatest of them equals the
    /// parent's (Kool et al., arXiv 1903.06059 §4.3). So the k greatest values of a level are k sequences drawn without
    /// replacement.
    ///
    /// - Parameters:
    ///   - parent: the path that they continue.
    ///   - tokens: the tokens on it.
    ///   - children: all tokens that may follow, with natural logarithms of probabilities that add up to 1.
    package func children(
        of parent: Perturbed,
        path tokens: [Token],
        _ children: [(token: Token, logProbability: Double)]
    ) -> [Perturbed] {
        let logs = children.map { parent.logProbability + $0.logProbability }
        let free = zip(children, logs).map { child, log in log + value(tokens + [child.token]) }
        let greatest = free.max() ?? 0
        return zip(logs, free).map { log, free in
            let below = Double.logarithm(1 - Double.exponential(free - greatest))
            let shift = parent.value - free + below
            let value = parent.value - max(0, shift) - Double.logarithm(1 + Double.exponential(-abs(shift)))
            return Perturbed(logProbability: log, value: value)
        }
    }
}

extension GrowingTree {
    /// By index in the pool: each path with its noise; children of one node count as all that may follow it.
    func perturbed(_ noise: GumbelNoise) -> [GumbelNoise.Perturbed] {
        var perturbed = [GumbelNoise.Perturbed](repeating: .root, count: pool.count)
        for parent in [nil] + pool.indices.map(Optional.some) {
            let children = Array(pool.children(of: parent))
            guard !children.isEmpty else { continue }
            let total = children.reduce(0) { $0 + Double.exponential(Double(pool[$1].logProbability)) }
            let logarithm = Double.logarithm(Swift.max(total, .leastNormalMagnitude))
            let laws = children.map { (pool[$0].token, Double(pool[$0].logProbability) - logarithm) }
            let above = parent.map { perturbed[$0] } ?? .root
            let paths = noise.children(of: above, path: pool.tokens(onPathTo: parent), laws)
            for (child, path) in zip(children, paths) { perturbed[child] = path }
        }
        return perturbed
    }
}
