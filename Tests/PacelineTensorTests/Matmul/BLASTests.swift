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

    @Test("multiplies all forms of two matrices and adds to a third, in both precisions", arguments: 0..<4)
    func forms(_ form: Int) throws {
        try OpenBLAS.load()
        var inputs = KernelInputs(seed: 13)
        let (m, n, k) = (4, 6, 19)
        let (transposesA, transposesB) = (form & 1 != 0, form & 2 != 0)
        let product = pl_blas_product(
            m: Int64(m),
            n: Int64(n),
            k: Int64(k),
            transpose_a: transposesA,
            transpose_b: transposesB,
            lda: Int64(transposesA ? m : k),
            ldb: Int64(transposesB ? k : n),
            ldc: Int64(n),
            alpha: 0.5,
            beta: 2
        )
        let (a, b, before) = (inputs.floats(m * k), inputs.floats(k * n), inputs.floats(m * n))
        var (single, double) = (before, before.map(Double.init))
        withUnsafePointer(to: product) { shape in
            pl_blas_sgemm(shape, a, b, &single)
            pl_blas_dgemm(shape, a.map(Double.init), b.map(Double.init), &double)
        }
        for (row, column) in (0..<m).flatMap({ row in (0..<n).map { (row, $0) } }) {
            let sum = (0..<k).reduce(0.0) { sum, inner in
                let left = a[transposesA ? inner * m + row : row * k + inner]
                return sum + Double(left) * Double(b[transposesB ? column * k + inner : inner * n + column])
            }
            let exact = 0.5 * sum + 2 * Double(before[row * n + column])
            #expect(abs(double[row * n + column] - exact) < 1e-13)
            #expect(abs(Double(single[row * n + column]) - exact) < 1e-5)
        }
    }
}
