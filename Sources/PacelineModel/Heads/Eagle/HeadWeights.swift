import PacelineTensor
import PacelineTraining

/// A head's parameters by name, as the kernels take them.
struct HeadWeights {
    private let layout: ParameterLayout
    private let parameters: [Float]
    private let precision: HeadPrecision
    private let compute: Compute

    /// - Parameter parameters: in the layout.
    init(_ layout: ParameterLayout, _ parameters: [Float], _ precision: HeadPrecision, _ compute: Compute) {
        precondition(parameters.count == layout.count, "a head has all parameters of its layout")
        (self.layout, self.parameters) = (layout, parameters)
        (self.precision, self.compute) = (precision, compute)
    }

    /// Nil if the layout has none of that name.
    func vectorIfPresent(_ name: String) -> FloatMatrix? {
        layout[name].map { FloatMatrix(Array(parameters[$0.range])) }
    }

    /// A vector that every head of the kind has.
    func vector(_ name: String) -> FloatMatrix {
        guard let vector = vectorIfPresent(name) else { preconditionFailure("every head has \(name)") }
        return vector
    }

    /// - Parameter isExact: whether it stays float32 in eight bits too.
    func matrixIfPresent(_ name: String, isExact: Bool = false) throws(PackedMatrixError) -> PackedMatrix? {
        guard let slice = layout[name] else { return nil }
        return try PackedMatrix(
            parameters[slice.range],
            rows: slice.rows,
            type: precision == .float || isExact ? .f32 : .q8_0,
            compute: compute
        )
    }

    /// A matrix that every head of the kind has.
    func matrix(_ name: String, isExact: Bool = false) throws(PackedMatrixError) -> PackedMatrix {
        guard let matrix = try matrixIfPresent(name, isExact: isExact) else {
            preconditionFailure("every head has \(name)")
        }
        return matrix
    }
}
