import PacelineSpeculation
import PacelineTensor

/// Inputs for kernels from a seed (SplitMix), and the comparison of their outputs.
struct KernelInputs: RandomNumberGenerator {
    private var stream: SplitMix

    init(seed: UInt64) {
        stream = SplitMix(seed: seed)
    }

    mutating func next() -> UInt64 {
        stream.next()
    }

    /// Ordinary numbers in -scale ..< scale.
    mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
        (0..<count).map { _ in Float.random(in: -scale..<scale, using: &self) }
    }

    /// Any bit pattern: subnormals, infinities and NaN among them.
    mutating func patterns(_ count: Int) -> [Float] {
        (0..<count).map { index in
            index.isMultiple(of: 3)
                ? Self.special[Int(next() % UInt64(Self.special.count))]
                : Float(bitPattern: UInt32(truncatingIfNeeded: next()))
        }
    }

    /// The values at which a float kernel can go wrong.
    static let special: [Float] = [
        0, -0.0, 1, -1, .infinity, -.infinity, .nan, .signalingNaN, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
        .leastNormalMagnitude, -.leastNormalMagnitude, .leastNormalMagnitude.nextDown, .greatestFiniteMagnitude,
        -.greatestFiniteMagnitude, 88.722839, 88.722847, -87.33654, -87.336548, 0.70710677, 0.70710683, 65504, 65520,
        6.1e-5,
        5.96e-8, 2.98e-8, 16_777_216, -16_777_215,
    ]

    /// Lengths below, at and beyond the sixteen lanes of a kernel.
    static let lengths = [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 128, 576, 1000, 1536]
}

/// Instruction sets that this machine has beside the scalar twins.
let vectorInstructionSets = InstructionSet.supported.filter { $0 != .scalar }

/// Equal bit for bit; any NaN equals any other.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}

/// How far a float32 lies from an exact value, in units of the last place of float32 there.
func distance(_ value: Float, _ exact: Double) -> Double {
    if value == Float(exact) { return 0 }
    return abs(Double(value) - exact) / Double(Float(exact).ulp)
}
