import PacelineSpeculation
import PacelineTraining
import Testing

/// Compares derivatives with central differences: (f(x + h) - f(x - h)) / 2h.
enum GradientCheck {
    /// The largest relative error that passes. Differences have errors of their own: h² times the third derivative, and
    /// rounding divided by h.
    static let tolerance = 1e-6

    /// Checks some of the derivatives of a function of an array.
    ///
    /// - Parameters:
    ///   - gradient: the derivatives that are claimed.
    ///   - indices: which to check.
    ///   - loss: the function.
    static func expect(
        _ gradient: [Double],
        of point: [Double],
        at indices: some Sequence<Int>,
        _ name: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ loss: ([Double]) -> Double
    ) {
        let indices = Array(indices)
        let slopes = indices.map { slope(at: $0, of: point, loss) }
        // Relative to at least a tenth of the tensor's largest derivative: small ones drown in the loss's rounding.
        let scale = slopes.map(\.magnitude).max() ?? 0
        #expect(scale > 1e-9, "\(name): no derivative differs from zero", sourceLocation: sourceLocation)
        for (index, slope) in zip(indices, slopes) {
            let error = (gradient[index] - slope).magnitude / max(slope.magnitude, 0.1 * scale)
            #expect(
                error < tolerance,
                "\(name)[\(index)]: \(gradient[index]) instead of \(slope)",
                sourceLocation: sourceLocation
            )
        }
    }

    /// The derivative of the fourth order: two differences, whose errors of the second order cancel.
    private static func slope(at index: Int, of point: [Double], _ loss: ([Double]) -> Double) -> Double {
        func difference(_ step: Double) -> Double {
            var (above, below) = (point, point)
            above[index] += step
            below[index] -= step
            return (loss(above) - loss(below)) / (2 * step)
        }
        let step = 1e-3 * max(1, point[index].magnitude)
        return (4 * difference(step / 2) - difference(step)) / 3
    }

    /// Checks every tensor of a layout, at most `samples` numbers of each.
    static func expectAll(
        _ layout: ParameterLayout,
        _ gradient: [Double],
        of parameters: [Double],
        samples: Int = 6,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ loss: ([Double]) -> Double
    ) {
        var generator = SplitMix(seed: 5)
        for tensor in layout.tensors {
            let indices = (0..<min(samples, tensor.slice.count)).map { _ in
                tensor.slice.offset + generator.next(below: tensor.slice.count)
            }
            expect(gradient, of: parameters, at: indices, tensor.name, sourceLocation: sourceLocation, loss)
        }
    }
}

/// Numbers for tests, which depend on a seed alone.
struct RandomNumbers {
    private var generator: SplitMix

    init(seed: UInt64) { generator = SplitMix(seed: seed) }

    /// Numbers from -size to size.
    mutating func numbers(_ count: Int, size: Double = 1) -> [Double] {
        (0..<count).map { _ in (2 * generator.nextUnit() - 1) * size }
    }

    mutating func matrix(_ rows: Int, _ columns: Int, size: Double = 1) -> Matrix<Double> {
        Matrix(rows: rows, columns: columns, values: numbers(rows * columns, size: size))
    }

    mutating func integer(below bound: Int) -> Int { generator.next(below: bound) }
}

/// Σ a · b: a loss whose derivative by a is b.
func product(_ a: Matrix<Double>, _ b: Matrix<Double>) -> Double {
    zip(a.values, b.values).reduce(0) { $0 + $1.0 * $1.1 }
}
