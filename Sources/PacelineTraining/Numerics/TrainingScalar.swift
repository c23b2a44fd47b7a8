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

    /// Without branches, so that the compiler makes vectors of it. Accurate to two units in the last place.
    package static func exponentiate(_ values: UnsafeMutablePointer<Float>, count: Int) {
        // Adding 1.5 · 2^23 rounds to an integer, which then stands in the lowest bits.
        let rounding: Float = 12_582_912
        for index in 0..<count {
            let bounded = values[index] < -87 ? -87 : values[index]
            let shifted = bounded * 1.442695 + rounding
            let power = shifted - rounding
            let rest = (bounded - power * 0.693145752) - power * 1.42860677e-6
            var sum: Float = 1.0 / 5040
            sum = sum * rest + 1.0 / 720
            sum = sum * rest + 1.0 / 120
            sum = sum * rest + 1.0 / 24
            sum = sum * rest + 1.0 / 6
            sum = sum * rest + 0.5
            sum = (sum * rest + 1) * rest + 1
            let exponent = (shifted.bitPattern &- rounding.bitPattern &+ 127) &<< 23
            values[index] = sum * Float(bitPattern: exponent)
        }
    }

    package static func exponential(_ x: Float) -> Float { Float(Double.exponential(Double(x))) }
    package static func logarithm(_ x: Float) -> Float { Float(Double.logarithm(Double(x))) }
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
