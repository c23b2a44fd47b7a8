import CPacelineKernels
import Foundation
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Rotary embeddings", .computing)
struct ElementwiseRopeTests {
    private func angles(
        _ position: Int64,
        theta: Double = 10_000,
        factors: [Float]? = nil,
        dims: Int64 = 64
    ) -> (cosines: [Float], sines: [Float]) {
        var cosines = [Float](repeating: 0, count: Int(dims / 2))
        var sines = cosines
        pl_rope_angles(position, theta, factors, dims, &cosines, &sines)
        return (cosines, sines)
    }

    @Test(
        "Angles are right to the last place of float32",
        arguments: [10_000.0, 100_000, 500_000, 1_000_000],
        [64, 80, 128] as [Int64]
    )
    func accuracy(theta: Double, dims: Int64) {
        for position: Int64 in [0, 1, 2, 3, 17, 100, 1_023, 4_096, 8_191, 32_767, 131_071, 999_999] {
            let (cosines, sines) = angles(position, theta: theta, dims: dims)
            for i in 0..<Int(dims / 2) {
                let angle = Double(position) * pow(theta, -2 * Double(i) / Double(dims))
                // Near a zero of the function, float64 itself knows the angle to 2^-52 of its size only.
                let angleError = 4 * angle.ulp
                #expect(abs(Double(cosines[i]) - cos(angle)) <= Double(Float(cos(angle)).ulp) + angleError)
                #expect(abs(Double(sines[i]) - sin(angle)) <= Double(Float(sin(angle)).ulp) + angleError)
            }
        }
    }

    @Test("Factors divide the frequencies")
    func factors() {
        let plain = angles(1_000)
        let unscaled = angles(1_000, factors: [Float](repeating: 1, count: 32))
        let scaled = angles(1_000, factors: [Float](repeating: 8, count: 32))
        let eighth = angles(125)
        #expect(unscaled.cosines == plain.cosines && unscaled.sines == plain.sines)
        for i in 0..<32 { #expect(abs(scaled.sines[i] - eighth.sines[i]) < 1e-6) }
    }

    @Test(
        "Rotation has the bits of its twin, for both pairings and any number of dimensions",
        arguments: vectorInstructionSets,
        [0, 1] as [Int32]
    )
    func bits(isa: InstructionSet, neox: Int32) {
        var inputs = KernelInputs(seed: 9)
        for dims: Int64 in [2, 10, 16, 32, 34, 48, 64, 80, 96, 128, 130] {
            let (cosines, sines) = angles(777, dims: dims)
            let headDimension = dims + 16
            for x in [inputs.floats(3 * Int(headDimension)), inputs.patterns(3 * Int(headDimension))] {
                var twin = x
                var vector = x
                pl_rope(PL_ISA_SCALAR, &twin, 3, headDimension, dims, cosines, sines, neox)
                pl_rope(isa.raw, &vector, 3, headDimension, dims, cosines, sines, neox)
                #expect(sameBits(twin, vector))
            }
        }
    }

    @Test(
        "Each pairing rotates its own pairs and leaves the rest of the head alone",
        arguments: InstructionSet.supported
    )
    func pairing(isa: InstructionSet) {
        let (cosines, sines) = angles(5, dims: 8)
        let x: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
        var halves = x
        var pairs = x
        pl_rope(isa.raw, &halves, 1, 10, 8, cosines, sines, 1)
        pl_rope(isa.raw, &pairs, 1, 10, 8, cosines, sines, 0)
        for i in 0..<4 {
            #expect(abs(halves[i] - (x[i] * cosines[i] - x[i + 4] * sines[i])) < 1e-5)
            #expect(abs(halves[i + 4] - (x[i] * sines[i] + x[i + 4] * cosines[i])) < 1e-5)
            #expect(abs(pairs[2 * i] - (x[2 * i] * cosines[i] - x[2 * i + 1] * sines[i])) < 1e-5)
            #expect(abs(pairs[2 * i + 1] - (x[2 * i] * sines[i] + x[2 * i + 1] * cosines[i])) < 1e-5)
        }
        #expect(halves[8...] == x[8...] && pairs[8...] == x[8...])
    }
}
