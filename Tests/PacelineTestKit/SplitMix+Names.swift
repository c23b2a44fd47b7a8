package import PacelineSpeculation

extension SplitMix {
    /// A generator with a separate stream for each name.
    package init(seed: UInt64, name: String) {
        self.init(seed: name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    /// A uniform number with mean 0 and standard deviation 1.
    package mutating func unit() -> Float {
        // A float has 24 bits of precision; the range ±√3 has unit variance.
        let fraction = Float(next() >> 40) / Float(1 << 24)
        return (fraction * 2 - 1) * 1.732_050_8
    }
}
