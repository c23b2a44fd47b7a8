import CPacelineKernels
import PacelineSpeculation

/// The numbers of a training: `Float` to train, `Double` to check gradients.
///
/// All functions compute on the calling thread. Callers load OpenBLAS before (`OpenBLAS.load()`).
package protocol TrainingScalar: BinaryFloatingPoint, BitwiseCopyable, Codable, SIMDScalar, Sendable {
    /// c = scale · op(a) · op(b) + kept · c, where the pointers are the matrices' arrays.
    static func multiply(
        _ product: MatrixProduct,
        _ a: UnsafePointer<Self>,
        _ b: UnsafePointer<Self>,
        _ c: UnsafeMutablePointer<Self>
    )

    /// Replaces `count` numbers x ≤ 0, or at least below the overflow, with e to the power of x.
    static func exponentiate(_ values: UnsafeMutablePointer<Self>, count: Int)

    /// e to the power of x.
    static func exponential(_ x: Self) -> Self

    /// The natural logarithm of a number above 0.
    static func logarithm(_ x: Self) -> Self
}

extension Float: TrainingScalar {
    package static func multiply(
        _ product: MatrixProduct,
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        _ c: UnsafeMutablePointer<Float>
    ) {
        withUnsafePointer(to: product.shape) {
            pl_blas_sgemm($0, a + product.left.offset, b + product.right.offset, c + product.result.offset)
        }
    }

    private static let isa = pl_isa_best()

    package static func exponentiate(_ values: UnsafeMutablePointer<Float>, count: Int) {
        pl_exp(isa, values, values, Int64(count))
    }

    package static func exponential(_ x: Float) -> Float { pl_expf(x) }
    package static func logarithm(_ x: Float) -> Float { pl_logf(x) }
}

extension Double: TrainingScalar {
    package static func multiply(
        _ product: MatrixProduct,
        _ a: UnsafePointer<Double>,
        _ b: UnsafePointer<Double>,
        _ c: UnsafeMutablePointer<Double>
    ) {
        withUnsafePointer(to: product.shape) {
            pl_blas_dgemm($0, a + product.left.offset, b + product.right.offset, c + product.result.offset)
        }
    }

    package static func exponentiate(_ values: UnsafeMutablePointer<Double>, count: Int) {
        for index in 0..<count { values[index] = Double.exponential(values[index]) }
    }
}
