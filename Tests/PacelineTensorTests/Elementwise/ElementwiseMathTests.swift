import CPacelineKernels
import Foundation
import PacelineTensor
import PacelineTestTraits
import Testing

/// Every 1,021st bit pattern of float32, four million in all, in pieces of 64 Ki.
private struct DensePatterns {
    static func forEachPiece(_ body: ([Float]) -> Void) {
        var pattern: UInt64 = 0
        while pattern <= UInt64(UInt32.max) {
            var piece: [Float] = []
            piece.reserveCapacity(65_536)
            while piece.count < 65_536, pattern <= UInt64(UInt32.max) {
                piece.append(Float(bitPattern: UInt32(pattern)))
                pattern += 1_021
            }
            body(piece)
        }
    }
}

@Suite("exp and log", .computing)
struct ElementwiseMathTests {
    typealias Kernel = (pl_isa, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void

    private func apply(_ kernel: Kernel, _ isa: InstructionSet, _ x: [Float]) -> [Float] {
        var y = [Float](repeating: -77, count: x.count)
        kernel(isa.raw, x, &y, Int64(x.count))
        return y
    }

    @Test("have the bits of the scalar twin over all of float32", arguments: vectorInstructionSets)
    func denseBits(isa: InstructionSet) {
        DensePatterns.forEachPiece { x in
            for kernel in [pl_exp, pl_log] {
                let twin = apply(kernel, .scalar, x)
                let vector = apply(kernel, isa, x)
                #expect(memcmp(twin, vector, 4 * x.count) == 0)
            }
        }
    }

    @Test(
        "are the scalar function element by element, for any length and in place",
        arguments: InstructionSet.supported
    )
    func lengths(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 1)
        for length in KernelInputs.lengths {
            let x = inputs.patterns(length)
            #expect(apply(pl_exp, isa, x).map(\.bitPattern) == x.map { pl_expf($0).bitPattern })
            #expect(apply(pl_log, isa, x).map(\.bitPattern) == x.map { pl_logf($0).bitPattern })
            var inPlace = x
            inPlace.withUnsafeMutableBufferPointer { pl_exp(isa.raw, $0.baseAddress, $0.baseAddress, Int64(length)) }
            #expect(inPlace.map(\.bitPattern) == x.map { pl_expf($0).bitPattern })
        }
    }

    @Test("exp is within 1 unit in the last place, and 0 where the result would be subnormal")
    func expAccuracy() {
        var worst = 0.0
        var mistakes = 0
        DensePatterns.forEachPiece { x in
            let y = apply(pl_exp, .best, x)
            for i in x.indices where !x[i].isNaN {
                let exact = exp(Double(x[i]))
                if exact < Double(Float.leastNormalMagnitude) {
                    mistakes += y[i] == 0 ? 0 : 1
                } else if exact < Double(Float.greatestFiniteMagnitude) {
                    worst = max(worst, distance(y[i], exact))
                } else {
                    mistakes += y[i] == .infinity ? 0 : 1
                }
            }
        }
        #expect(mistakes == 0)
        #expect(worst < 1)
    }

    @Test("log is within 1 unit in the last place, subnormal arguments included")
    func logAccuracy() {
        var worst = 0.0
        DensePatterns.forEachPiece { x in
            let y = apply(pl_log, .best, x)
            for i in x.indices where x[i] > 0 && x[i] < .infinity {
                worst = max(worst, distance(y[i], log(Double(x[i]))))
            }
        }
        #expect(worst < 1)
    }

    @Test("are defined at the ends of their ranges")
    func specialValues() {
        #expect(pl_expf(0) == 1 && pl_expf(-0.0) == 1)
        #expect(pl_expf(.infinity) == .infinity && pl_expf(-.infinity) == 0)
        #expect(pl_expf(88.72284) == .infinity && pl_expf(88.72283) < .infinity)
        #expect(pl_expf(.nan).bitPattern == 0x7fc0_0000)
        #expect(pl_logf(1) == 0 && pl_logf(0) == -.infinity && pl_logf(-0.0) == -.infinity)
        #expect(pl_logf(.infinity) == .infinity)
        #expect(pl_logf(-1).bitPattern == 0x7fc0_0000 && pl_logf(-.infinity).isNaN && pl_logf(.nan).isNaN)
    }
}
