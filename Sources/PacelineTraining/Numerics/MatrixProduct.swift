import CPacelineKernels

/// Which parts of three arrays a product of matrices reads and writes: result (m × n) = scale · left (m × k) ·
/// right (k × n) + kept · result. All are row-major.
package struct MatrixProduct: Sendable {
    /// A matrix inside an array: where it starts, how far its rows are apart, and whether its transpose is meant.
    package struct Operand: Sendable {
        package var offset = 0
        package var stride: Int
        package var isTransposed = false

        package init(offset: Int = 0, stride: Int, isTransposed: Bool = false) {
            (self.offset, self.stride, self.isTransposed) = (offset, stride, isTransposed)
        }
    }

    package var rows: Int
    package var columns: Int
    package var inner: Int
    package var left: Operand
    package var right: Operand
    package var result: Operand
    package var scale = 1.0
    /// The factor of what is in the result already; with 0 it is overwritten, whatever it is.
    package var kept = 0.0

    package init(
        rows: Int,
        columns: Int,
        inner: Int,
        left: Operand,
        right: Operand,
        result: Operand,
        scale: Double = 1,
        kept: Double = 0
    ) {
        (self.rows, self.columns, self.inner) = (rows, columns, inner)
        (self.left, self.right, self.result) = (left, right, result)
        (self.scale, self.kept) = (scale, kept)
    }

    var shape: pl_blas_product {
        pl_blas_product(
            m: Int64(rows),
            n: Int64(columns),
            k: Int64(inner),
            transpose_a: left.isTransposed,
            transpose_b: right.isTransposed,
            lda: Int64(left.stride),
            ldb: Int64(right.stride),
            ldc: Int64(result.stride),
            alpha: scale,
            beta: kept
        )
    }
}
