import CPacelineKernels
import Foundation
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Element-wise kernels", .computing)
struct ElementwiseTests {
    /// Runs `kernel` on the scalar twin and on `isa` for many lengths, with ordinary and with arbitrary inputs.
    private func compare(
        _ isa: InstructionSet,
        seed: UInt64,
        _ kernel: (pl_isa, inout [Float], [Float]) -> Void
    ) {
        var inputs = KernelInputs(seed: seed)
        for length in KernelInputs.lengths {
            for (x, y) in [
                (inputs.floats(length, scale: 20), inputs.floats(length)),
                (inputs.patterns(length), inputs.patterns(length)),
            ] {
                var twin = x
                var vector = x
                kernel(PL_ISA_SCALAR, &twin, y)
                kernel(isa.raw, &vector, y)
                #expect(sameBits(twin, vector), "length \(length)")
            }
        }
    }

    @Test("RMS norm has the bits of its twin", arguments: vectorInstructionSets)
    func rmsNormBits(isa: InstructionSet) {
        compare(isa, seed: 2) { isa, x, weight in
            let input = x
            pl_rms_norm(isa, input, weight, 1e-5, &x, Int64(x.count))
        }
    }

    @Test("Addition has the bits of its twin", arguments: vectorInstructionSets)
    func addBits(isa: InstructionSet) {
        compare(isa, seed: 3) { isa, x, y in pl_add(isa, &x, y, Int64(x.count)) }
    }

    @Test("SiLU times up has the bits of its twin", arguments: vectorInstructionSets)
    func siluBits(isa: InstructionSet) {
        compare(isa, seed: 4) { isa, x, y in pl_silu_multiply(isa, &x, y, Int64(x.count)) }
    }

    @Test("GELU times up has the bits of its twin", arguments: vectorInstructionSets)
    func geluBits(isa: InstructionSet) {
        compare(isa, seed: 9) { isa, x, y in pl_gelu_multiply(isa, &x, y, Int64(x.count)) }
    }

    @Test("RMS norm divides by the root of the mean square", arguments: InstructionSet.supported)
    func rmsNormValue(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 5)
        let x = inputs.floats(1_536, scale: 30)
        let weight = inputs.floats(1_536)
        var out = x
        out.withUnsafeMutableBufferPointer { pl_rms_norm(isa.raw, $0.baseAddress, weight, 1e-6, $0.baseAddress, 1_536) }
        let root = sqrt(x.reduce(0.0) { $0 + Double($1) * Double($1) } / 1_536 + 1e-6)
        for i in x.indices { #expect(abs(Double(out[i]) - Double(x[i]) / root * Double(weight[i])) < 1e-6) }
    }

    @Test("SiLU is x / (1 + exp(-x))", arguments: InstructionSet.supported)
    func siluValue(isa: InstructionSet) {
        let x: [Float] = [-200, -90, -20, -3, -1, -0.5, 0, 0.25, 1, 4, 30, 100, 3e38]
        var out = x
        pl_silu_multiply(isa.raw, &out, [Float](repeating: 0.5, count: x.count), Int64(x.count))
        for i in x.indices {
            let exact = Double(x[i]) / (1 + exp(-Double(x[i]))) * 0.5
            #expect(abs(Double(out[i]) - exact) <= 4e-7 * abs(exact) + 1e-36)
        }
    }

    @Test("GELU is x / 2 · (1 + tanh(√(2 / π) (x + 0.044715 x³)))", arguments: InstructionSet.supported)
    func geluValue(isa: InstructionSet) {
        let x: [Float] = [-1e20, -40, -9, -4, -1.5, -0.7, -1e-3, 0, 1e-4, 0.25, 1, 3, 7, 50, 1e30]
        var out = x
        pl_gelu_multiply(isa.raw, &out, [Float](repeating: 0.5, count: x.count), Int64(x.count))
        for i in x.indices {
            let value = Double(x[i])
            let inner = 2 * (2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)
            let exact = value / (1 + exp(-inner)) * 0.5
            // The exponent is rounded to float32, which exp turns into a relative error.
            let relative = 5e-7 + 3e-7 * min(abs(inner), 90)
            #expect(abs(Double(out[i]) - exact) <= relative * abs(exact) + 1e-36)
        }
        #expect(out[0] == 0 && out[1] == 0 && out[7] == 0 && out[13] == 25)
    }

    @Test("Scaling multiplies every element")
    func scale() {
        var inputs = KernelInputs(seed: 10)
        for length in KernelInputs.lengths {
            let x = inputs.floats(length)
            var out = x
            pl_scale(&out, 1.7, Int64(length))
            for i in x.indices { #expect(out[i] == x[i] * 1.7) }
        }
    }

    @Test(
        "The sum of exponentials has the bits of its twin and the value of float64",
        arguments: InstructionSet.supported
    )
    func sumExp(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 6)
        for length in KernelInputs.lengths + [151_936] {
            let x = inputs.floats(length, scale: 20)
            let sum = pl_sum_exp(isa.raw, x, 19, Int64(length))
            #expect(sum == pl_sum_exp(PL_ISA_SCALAR, x, 19, Int64(length)))
            let exact = x.reduce(0.0) { $0 + exp(Double($1 - 19)) }
            #expect(abs(sum - exact) <= 2e-7 * exact)
        }
        let withMasked: [Float] = [-.infinity, 3, -.infinity]
        #expect(pl_sum_exp(isa.raw, withMasked, 3, 3) == 1)
        #expect(pl_sum_exp(isa.raw, [1, .nan], 0, 2).isNaN)
    }
}

@Suite("Argmax", .computing)
struct ElementwiseArgmaxTests {
    private func argmax(_ isa: InstructionSet, _ x: [Float]) -> (Int64, Float) {
        var largest: Float = 0
        let index = pl_argmax(isa.raw, x, Int64(x.count), &largest)
        return (index, largest)
    }

    @Test("finds the first of the largest values, as its twin does", arguments: InstructionSet.supported)
    func agreesWithTwin(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 7)
        for length in KernelInputs.lengths {
            for x in [inputs.floats(length), inputs.patterns(length), inputs.floats(length).map { ($0 * 4).rounded() }]
            {
                let (index, largest) = argmax(isa, x)
                let (twinIndex, twinLargest) = argmax(.scalar, x)
                #expect(index == twinIndex && largest.bitPattern == twinLargest.bitPattern)
                let numbers = x.filter { !$0.isNaN }
                guard let most = numbers.max(), most > -.infinity else { continue }
                #expect(largest == most && Int(index) == x.firstIndex(of: most))
            }
        }
    }

    @Test("gives a tie to the lowest index, wherever the lanes put it", arguments: InstructionSet.supported)
    func ties(isa: InstructionSet) {
        for (first, second) in [(0, 1), (3, 19), (15, 16), (17, 32), (5, 99), (64, 98)] {
            var x = [Float](repeating: -1, count: 100)
            x[first] = 2
            x[second] = 2
            #expect(argmax(isa, x) == (Int64(first), 2))
        }
        #expect(argmax(isa, [-0.0, 0]).0 == 0)
    }

    @Test("never picks a NaN, and index 0 when there is nothing else", arguments: InstructionSet.supported)
    func nan(isa: InstructionSet) {
        var x = [Float](repeating: .nan, count: 40)
        #expect(argmax(isa, x) == (0, -.infinity))
        x[23] = -5
        #expect(argmax(isa, x) == (23, -5))
        #expect(argmax(isa, [Float](repeating: -.infinity, count: 33)) == (0, -.infinity))
    }
}
