import CPacelineKernels
import Foundation
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("OpenBLAS", .computing)
struct BLASTests {
    @Test("runs with the core type that the environment names or that loading put there, never the ancient fallback")
    func core() throws {
        try OpenBLAS.load()
        let core = try #require(OpenBLAS.core)
        let supported = InstructionSet.supported
        guard supported.contains(.avx512) || supported.contains(.avx2) else { return }
        let named = try #require(getenv("OPENBLAS_CORETYPE").map { String(cString: $0) })
        #expect(core.lowercased() == named.lowercased())
        #expect(core != "Prescott")
    }

    @Test("multiplies by a transposed matrix, honouring the strides")
    func product() throws {
        try OpenBLAS.load()
        var inputs = KernelInputs(seed: 12)
        let (m, n, k, lda, ldb, ldc) = (5, 7, 33, 40, 35, 9)
        let a = inputs.floats(m * lda)
        let b = inputs.floats(n * ldb)
        var c = [Float](repeating: 99, count: m * ldc)
        pl_blas_sgemm_nt(Int64(m), Int64(n), Int64(k), a, Int64(lda), b, Int64(ldb), &c, Int64(ldc))
        for row in 0..<m {
            for column in 0..<ldc {
                let exact = (0..<k).reduce(0.0) {
                    $0 + Double(a[row * lda + $1]) * Double(b[min(column, n - 1) * ldb + $1])
                }
                let value = c[row * ldc + column]
                #expect(column < n ? abs(Double(value) - exact) < 1e-5 : value == 99)
            }
        }
    }
}
