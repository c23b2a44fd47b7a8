import CPacelineKernels
import Foundation
import PacelineSpeculation
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Noise", .computing)
struct NoiseTests {
    /// Known answers of the Random123 library (kat_vectors, philox4x32 10).
    @Test(
        "Philox gives its published answers",
        arguments: [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ] as [([UInt32], [UInt32], [UInt32])]
    )
    func knownAnswers(counter: [UInt32], key: [UInt32], answer: [UInt32]) {
        var words = [UInt32](repeating: 0, count: 4)
        pl_philox4x32_10(counter, key, &words)
        #expect(words == answer)
    }

    @Test("Seed and position fill key and counter, the index picks block and word")
    func counterLayout() {
        var words = [UInt32](repeating: 0, count: 4)
        pl_philox4x32_10([0x89ab_cdef, 0x0123_4567, 250, 0], [0x7654_3210, 0xfedc_ba98], &words)
        for word in 0..<4 {
            #expect(pl_noise_bits(0xfedc_ba98_7654_3210, 0x0123_4567_89ab_cdef, 1_000 + UInt32(word)) == words[word])
        }
    }

    @Test("Perturbing adds each token's noise, with the same bits everywhere", arguments: InstructionSet.supported)
    func perturbBits(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 10)
        for length in KernelInputs.lengths + [66, 100, 4_099] {
            let x = inputs.floats(length, scale: 10)
            let seed = inputs.next()
            let position = inputs.next()
            var out = [Float](repeating: 0, count: length)
            pl_noise_perturb(isa.raw, seed, position, x, &out, Int64(length))
            #expect(out == x.indices.map { x[$0] + pl_noise_gumbel(seed, position, UInt32($0)) })
        }
    }

    @Test("Perturbing works in place and over a whole vocabulary", arguments: vectorInstructionSets)
    func perturbVocabulary(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 11)
        let x = inputs.floats(151_936)
        var twin = x
        var vector = x
        twin.withUnsafeMutableBufferPointer {
            pl_noise_perturb(PL_ISA_SCALAR, 42, 7, $0.baseAddress, $0.baseAddress, 151_936)
        }
        vector.withUnsafeMutableBufferPointer {
            pl_noise_perturb(isa.raw, 42, 7, $0.baseAddress, $0.baseAddress, 151_936)
        }
        #expect(twin == vector)
    }

    @Test("A million draws have the mean, variance and tails of the Gumbel law")
    func gumbelLaw() {
        let count = 1_000_000
        var noise = [Float](repeating: 0, count: count)
        pl_noise_perturb(InstructionSet.best.raw, 2_026, 99, [Float](repeating: 0, count: count), &noise, Int64(count))
        let mean = noise.reduce(0.0) { $0 + Double($1) } / Double(count)
        let variance = noise.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(count)
        // Five standard errors: those of the mean are 1.2825 / 1000, of the variance sqrt(4.4) * 1.645 / 1000.
        #expect(abs(mean - 0.577_216) < 0.0065)
        #expect(abs(variance - Double.pi * Double.pi / 6) < 0.0175)
        for threshold: Float in [-1, 0, 1, 3, 6] {
            let above = Double(noise.count { $0 > threshold }) / Double(count)
            let expected = 1 - exp(-exp(-Double(threshold)))
            #expect(abs(above - expected) < 5 * sqrt(expected * (1 - expected) / Double(count)))
        }
    }

    @Test("The noise is -log(-log(1 - u)) of its uniform, finest where it is large")
    func gumbelOfUniform() {
        for index in 0..<20_000 as Range<UInt32> {
            let u = Double(pl_noise_uniform(5, 6, index))
            #expect(u > 0 && u < 1)
            let exact = -log(-log1p(-u))
            #expect(abs(Double(pl_noise_gumbel(5, 6, index)) - exact) <= 4e-7 * max(1, abs(exact)))
        }
    }

    @Test("The largest perturbed logit is a sample of the softmax")
    func samples() {
        let logits: [Float] = [2, 0, 1, -1, 0.5]
        let weights = logits.map { exp(Double($0)) }
        var wins = [Int](repeating: 0, count: logits.count)
        var perturbed = logits
        for position in 0..<20_000 as Range<UInt64> {
            var largest: Float = 0
            pl_noise_perturb(InstructionSet.best.raw, 3, position, logits, &perturbed, Int64(logits.count))
            wins[Int(pl_argmax(InstructionSet.best.raw, perturbed, Int64(logits.count), &largest))] += 1
        }
        for i in logits.indices {
            let expected = weights[i] / weights.reduce(0, +)
            #expect(abs(Double(wins[i]) / 20_000 - expected) < 5 * sqrt(expected * (1 - expected) / 20_000))
        }
    }

    @Test("Neighbouring seeds, positions and tokens are uncorrelated")
    func independence() {
        let count = 200_000
        let zeros = [Float](repeating: 0, count: count)
        func draw(seed: UInt64, position: UInt64) -> [Double] {
            var out = zeros
            pl_noise_perturb(InstructionSet.best.raw, seed, position, zeros, &out, Int64(count))
            return out.map { (Double($0) - 0.577_216) / (Double.pi / 6.0.squareRoot()) }
        }
        let a = draw(seed: 1, position: 1)
        for b in [draw(seed: 1, position: 2), draw(seed: 2, position: 1), Array(a.dropFirst() + a.prefix(1))] {
            let correlation = zip(a, b).reduce(0.0) { $0 + $1.0 * $1.1 } / Double(count)
            #expect(abs(correlation) < 5 / Double(count).squareRoot())
        }
    }
}
