// Loops over consecutive numbers. Sums run in eight lanes, because the compiler may not reorder additions itself.

@inline(__always)
private func eight<Scalar: TrainingScalar>(_ from: UnsafePointer<Scalar>) -> SIMD8<Scalar> {
    SIMD8(from[0], from[1], from[2], from[3], from[4], from[5], from[6], from[7])
}

/// Σ a · b.
func dot<Scalar: TrainingScalar>(_ a: UnsafePointer<Scalar>, _ b: UnsafePointer<Scalar>, _ count: Int) -> Scalar {
    var lanes = SIMD8<Scalar>()
    let whole = count & ~7
    for index in stride(from: 0, to: whole, by: 8) { lanes += eight(a + index) * eight(b + index) }
    var sum = lanes.sum()
    for index in whole..<count { sum += a[index] * b[index] }
    return sum
}

/// Σ a.
func sum<Scalar: TrainingScalar>(_ a: UnsafePointer<Scalar>, _ count: Int) -> Scalar {
    var lanes = SIMD8<Scalar>()
    let whole = count & ~7
    for index in stride(from: 0, to: whole, by: 8) { lanes += eight(a + index) }
    var sum = lanes.sum()
    for index in whole..<count { sum += a[index] }
    return sum
}

/// The largest of at least one number.
func maximum<Scalar: TrainingScalar>(_ a: UnsafePointer<Scalar>, _ count: Int) -> Scalar {
    var lanes = SIMD8<Scalar>(repeating: a[0])
    let whole = count & ~7
    for index in stride(from: 0, to: whole, by: 8) {
        let next = eight(a + index)
        lanes.replace(with: next, where: next .> lanes)
    }
    var best = lanes.max()
    for index in whole..<count where a[index] > best { best = a[index] }
    return best
}

/// y += factor · x.
@_specialize(where Scalar == Float)
func addScaled<Scalar: TrainingScalar>(
    _ y: UnsafeMutablePointer<Scalar>,
    _ factor: Scalar,
    _ x: UnsafePointer<Scalar>,
    _ count: Int
) {
    for index in 0..<count { y[index] += factor * x[index] }
}

/// y *= factor.
func scale<Scalar: TrainingScalar>(_ y: UnsafeMutablePointer<Scalar>, _ factor: Scalar, _ count: Int) {
    for index in 0..<count { y[index] *= factor }
}

/// Replaces at least one number with their softmax.
func softmax<Scalar: TrainingScalar>(_ values: UnsafeMutablePointer<Scalar>, _ count: Int) {
    let highest = maximum(values, count)
    for index in 0..<count { values[index] -= highest }
    Scalar.exponentiate(values, count: count)
    scale(values, 1 / sum(values, count), count)
}
