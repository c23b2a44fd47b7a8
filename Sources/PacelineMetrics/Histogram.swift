/// How often values fell into each of a fixed set of buckets.
///
/// A value without I/O: machines may keep one, and a copy is a snapshot.
package struct Histogram: Sendable, Equatable {
    /// Upper bounds of buckets, which include them.
    package struct Bounds: Sendable, Hashable, ExpressibleByArrayLiteral {
        /// Finite, strictly rising.
        package let values: [Double]
        /// The same as Go and Python write them, because queries compare them as text: `1.0`, `1e+06`.
        let texts: [String]

        /// - Parameter values: sorted here; those that are not finite or come twice are left out.
        package init(_ values: [Double]) {
            self.values = Set(values.filter(\.isFinite)).sorted()
            texts = self.values.map(Self.text)
        }

        package init(arrayLiteral elements: Double...) {
            self.init(elements)
        }

        /// 1, 2, 5, 10, 20, 50 … up to `limit`, as vLLM counts tokens.
        package static func oneTwoFive(upTo limit: Int) -> Bounds {
            var values: [Double] = []
            var power = 1.0
            while power <= Double(limit) {
                values += [1, 2, 5].map { $0 * power }.filter { $0 <= Double(limit) }
                power *= 10
            }
            return Bounds(values)
        }

        private static func text(_ bound: Double) -> String {
            guard bound >= 1e6 else { return "\(bound)" }
            var (mantissa, exponent) = (bound, 0)
            while mantissa >= 10 {
                mantissa /= 10
                exponent += 1
            }
            let digits = Int(exactly: mantissa).map { "\($0)" } ?? "\(mantissa)"
            return "\(digits)e+\(exponent < 10 ? "0" : "")\(exponent)"
        }

        /// For times in seconds that nobody described: the usual ones of Prometheus' clients.
        package static let seconds: Bounds = [
            0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
        ]
    }

    package let bounds: Bounds
    /// One count a bound, and a last one for what lies above all bounds.
    package private(set) var counts: [UInt64]
    package private(set) var sum = 0.0

    package init(_ bounds: Bounds) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.values.count + 1)
    }

    /// The number of values.
    package var count: UInt64 { counts.reduce(0, &+) }

    /// Counts a value. One that is not finite is left out, because it would spoil the sum for good.
    package mutating func record(_ value: Double) {
        guard value.isFinite else { return }
        counts[bucket(of: value)] &+= 1
        sum += value
    }

    /// The first bucket whose bound is not below `value`.
    private func bucket(of value: Double) -> Int {
        var (low, high) = (0, bounds.values.count)
        while low < high {
            let middle = (low + high) / 2
            if bounds.values[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
