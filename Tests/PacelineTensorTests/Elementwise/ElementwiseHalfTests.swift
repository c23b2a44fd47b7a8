import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Half precision", .computing)
struct ElementwiseHalfTests {
    private static let all = (0...UInt32(UInt16.max)).map { UInt16($0) }

    @Test("All 65,536 halves expand to the float that the language gives", arguments: InstructionSet.supported)
    func expand(isa: InstructionSet) {
        var floats = [Float](repeating: -1, count: Self.all.count)
        pl_from_half(isa.raw, Self.all, &floats, Int64(floats.count))
        #expect(sameBits(floats, Self.all.map { Float(halfValue($0)) }))
    }

    @Test("Expanding and rounding again gives back every half, NaN made quiet", arguments: InstructionSet.supported)
    func roundTrip(isa: InstructionSet) {
        var floats = [Float](repeating: 0, count: Self.all.count)
        var halves = [UInt16](repeating: 0, count: Self.all.count)
        pl_from_half(isa.raw, Self.all, &floats, Int64(floats.count))
        pl_to_half(isa.raw, floats, &halves, Int64(halves.count))
        for (half, back) in zip(Self.all, halves) {
            let isNaN = half & 0x7fff > 0x7c00
            #expect(back == (isNaN ? half | 0x200 : half))
        }
    }

    @Test("Midpoints round to even, and everything around them to the nearest", arguments: InstructionSet.supported)
    func midpoints(isa: InstructionSet) {
        var x: [Float] = []
        var expected: [UInt16] = []
        for half in UInt16(0)..<0x7bff {
            let low = halfValue(half)
            let high = halfValue(half + 1)
            let middle = Float((low + high) / 2)
            x += [middle.nextDown, middle, middle.nextUp, -middle]
            let even = half.isMultiple(of: 2) ? half : half + 1
            expected += [half, even, half + 1, even | 0x8000]
        }
        x += [65_519.996, 65_520, .infinity, -.greatestFiniteMagnitude]
        expected += [0x7bff, 0x7c00, 0x7c00, 0xfc00]
        var halves = [UInt16](repeating: 0, count: x.count)
        pl_to_half(isa.raw, x, &halves, Int64(x.count))
        #expect(halves == expected)
    }

    @Test("Rounding has the bits of its twin for any float and length", arguments: vectorInstructionSets)
    func twin(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 8)
        for length in KernelInputs.lengths + [100_000] {
            let x = inputs.patterns(length)
            var twin = [UInt16](repeating: 0, count: length)
            var vector = twin
            pl_to_half(PL_ISA_SCALAR, x, &twin, Int64(length))
            pl_to_half(isa.raw, x, &vector, Int64(length))
            #expect(twin == vector)
        }
    }
}

/// The value of a half by its definition: sign, five bits of exponent, ten of fraction.
private func halfValue(_ bits: UInt16) -> Double {
    let fraction = Double(bits & 0x3ff)
    let sign: Double = bits & 0x8000 == 0 ? 1 : -1
    switch Int(bits >> 10 & 31) {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    case let exponent: return sign * Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1_024)
    }
}
