import PacelineSpeculation

/// Gives parameters values to begin with.
///
/// Matrices are uniform with variance 1 / inputs, so that outputs have the inputs' size. Vectors whose name ends in
/// "norm.weight" are 1, other vectors 0.
struct ParameterInitialiser<Scalar: TrainingScalar> {
    private(set) var parameters: [Scalar]

    init(_ layout: ParameterLayout, seed: UInt64) {
        parameters = [Scalar](repeating: 0, count: layout.count)
        var generator = SplitMix(seed: seed)
        for tensor in layout.tensors {
            let slice = tensor.slice
            let isVector = slice.rows == 1
            let bound = (3 / Double(slice.columns)).squareRoot()
            for index in slice.range {
                if isVector {
                    parameters[index] = tensor.name.hasSuffix("norm.weight") ? 1 : 0
                } else {
                    parameters[index] = Scalar((2 * generator.nextUnit() - 1) * bound)
                }
            }
        }
    }

    mutating func scale(_ slice: ParameterSlice, by factor: Scalar) {
        for row in 0..<slice.rows {
            for column in 0..<slice.columns { parameters[slice.offset + row * slice.stride + column] *= factor }
        }
    }

    mutating func addIdentity(_ slice: ParameterSlice) {
        for row in 0..<min(slice.rows, slice.columns) { parameters[slice.offset + row * (slice.stride + 1)] += 1 }
    }

    mutating func clear(_ slice: ParameterSlice) { scale(slice, by: 0) }
}
