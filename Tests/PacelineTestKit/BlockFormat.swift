package import PacelineSpeculation

/// Weight types that tests fill with random blocks, and the definition of each weight in a block.
///
/// The definitions follow the GGUF format weight by weight and share no code with the engine.
package enum BlockFormat: UInt32, Sendable, CaseIterable {
    case q5_0 = 6
    case q5_1 = 7
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case iq4_NL = 20
    case iq4_XS = 23

    /// Number of weights in a block.
    package var length: Int {
        switch self {
        case .q5_0, .q5_1, .iq4_NL: 32
        default: 256
        }
    }

    /// Size of a block in bytes.
    package var size: Int {
        switch self {
        case .q5_0: 22
        case .q5_1: 24
        case .q2_K: 84
        case .q3_K: 110
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        case .iq4_NL: 18
        case .iq4_XS: 136
        }
    }

    /// Byte offsets of a block's half-precision factors: for its codes, and for its minima if it has any.
    private var factors: (codes: Int, minima: Int?) {
        switch self {
        case .q5_0, .iq4_NL, .iq4_XS: (0, nil)
        case .q5_1, .q4_K, .q5_K: (0, 2)
        case .q2_K: (80, 82)
        case .q3_K: (108, nil)
        case .q6_K: (208, nil)
        }
    }

    /// The weights in `bytes`, which must be whole blocks.
    package func decode(_ bytes: [UInt8]) -> [Float] {
        stride(from: 0, to: bytes.count, by: size).flatMap { start in
            let block = Array(bytes[start..<start + size])
            return (0..<length).map { weight($0, of: block) }
        }
    }

    /// Random blocks of `count` weights, with mean 0 and about the given standard deviation.
    package func random(_ count: Int, deviation: Float, using generator: inout SplitMix) -> [UInt8] {
        let (codes, minima) = factors(deviation: deviation)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / length * size)
        for _ in 0..<count / length {
            var block = randomBlock(using: &generator)
            set(&block, codes: codes, minima: minima)
            bytes += block
        }
        return bytes
    }

    private func randomBlock(using generator: inout SplitMix) -> [UInt8] {
        (0..<size).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    /// Factors that give random codes mean 0 and the given standard deviation, estimated from sample blocks.
    private func factors(deviation: Float) -> (codes: Float, minima: Float) {
        var generator = SplitMix(seed: 3)
        let blocks = (0..<32).map { _ in randomBlock(using: &generator) }
        let codes = blocks.flatMap { weights(of: $0, codes: 1, minima: 0) }
        let minima = blocks.flatMap { weights(of: $0, codes: 0, minima: 1) }
        let mean = { (values: [Float]) in values.reduce(0, +) / Float(values.count) }
        let balance = factors.minima == nil ? 0 : -mean(codes) / mean(minima)
        let sum = zip(codes, minima).map { $0 + balance * $1 }
        let spread = mean(sum.map { $0 * $0 }).squareRoot()
        return (deviation / spread, deviation / spread * balance)
    }

    private func weights(of block: [UInt8], codes: Float, minima: Float) -> [Float] {
        var block = block
        set(&block, codes: codes, minima: minima)
        return decode(block)
    }

    private func set(_ block: inout [UInt8], codes: Float, minima: Float) {
        for (offset, value) in [(Optional(factors.codes), codes), (factors.minima, minima)] {
            guard let offset else { continue }
            let bits = Float16(value).bitPattern
            block[offset] = UInt8(truncatingIfNeeded: bits)
            block[offset + 1] = UInt8(truncatingIfNeeded: bits >> 8)
        }
    }
}
