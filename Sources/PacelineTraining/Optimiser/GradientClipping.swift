/// Limits a gradient, so that one odd batch does not undo the work of many.
package enum GradientClipping: Equatable, Sendable {
    case none
    /// Shrinks the whole if its Euclidean norm is above this.
    case norm(Double)
    /// Cuts each derivative off at this size.
    case value(Double)

    /// Limits the derivatives one by one, if that is what is asked for.
    ///
    /// - Returns: the gradient's norm before, and the factor by which the whole is yet to be multiplied.
    @_specialize(where Scalar == Float)
    package func apply<Scalar: TrainingScalar>(to gradient: inout [Scalar]) -> (norm: Double, scale: Double) {
        let norm = gradient.euclideanNorm
        switch self {
        case .none:
            return (norm, 1)
        case .norm(let limit):
            return (norm, norm > limit ? limit / norm : 1)
        case .value(let limit):
            let bound = Scalar(limit)
            for index in gradient.indices { gradient[index] = min(max(gradient[index], -bound), bound) }
            return (norm, 1)
        }
    }
}

extension Array where Element: TrainingScalar {
    /// The root of the sum of squares. Sums of a thousand squares are added up in doubles.
    fileprivate var euclideanNorm: Double {
        withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return 0 }
            var total = 0.0
            for first in Swift.stride(from: 0, to: values.count, by: 1024) {
                total += Double(dot(start + first, start + first, Swift.min(1024, values.count - first)))
            }
            return total.squareRoot()
        }
    }
}
