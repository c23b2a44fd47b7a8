/// Random numbers that are the same on every machine for a seed: SplitMix64 (Steele, Lea, Flood 2014).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    /// A stream of its own for each name.
    package init(seed: UInt64, name: String) {
        state = name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A uniform number with mean 0 and standard deviation 1.
    package mutating func unit() -> Float {
        // 24 bits are what a float holds; ±√3 has unit variance.
        let fraction = Float(next() >> 40) / Float(1 << 24)
        return (fraction * 2 - 1) * 1.732_050_8
    }
}
