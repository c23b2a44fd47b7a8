import Testing

/// Whether long outputs are equal bit for bit. A failed expectation prints where they differ, not thousands of numbers.
struct BitComparison: CustomTestStringConvertible {
    let a: [Float]
    let b: [Float]

    var agree: Bool { sameBits(a, b) }
    var testDescription: String {
        guard a.count == b.count else { return "\(a.count) and \(b.count) values" }
        let different = zip(a, b).enumerated().filter { $1.0.bitPattern != $1.1.bitPattern }
        guard let first = different.first else { return "equal" }
        return
            "\(different.count) of \(a.count) differ, "
            + "first [\(first.offset)]: \(first.element.0) and \(first.element.1)"
    }
}
