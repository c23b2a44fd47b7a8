package import PacelineSpeculation
import PacelineTensor

/// The features of those rows of a pass that want them, in the order of the rows.
///
/// A buffer that is reused from pass to pass, so it has reference semantics. One thread owns it at a time.
package final class FeatureRows {
    package let taps: [FeatureTap]
    /// Numbers of one tap's row.
    package let width: Int
    /// Rows of the latest pass.
    package private(set) var count = 0
    /// By tap: (at least `count`, width).
    private var values: [FloatMatrix]

    /// - Throws: ``FeatureTapError`` if the model has no such place.
    package init(taps: [FeatureTap], of configuration: ModelConfiguration) throws(FeatureTapError) {
        for case .input(let layer) in taps where !(0..<configuration.blockCount).contains(layer) {
            throw FeatureTapError(layer: layer, layers: configuration.blockCount)
        }
        self.taps = taps
        width = configuration.embeddingLength
        values = []
        reserve(1)
    }

    /// A copy of a row's features: all taps side by side.
    package func row(_ index: Int) -> [Float] {
        precondition((0..<count).contains(index), "row outside the pass")
        return values.count == 1 ? values[0].row(index) : values.flatMap { $0.row(index) }
    }

    /// Prepares for a pass.
    func begin(rows: Int) {
        count = rows
        if values.allSatisfy({ $0.rows < rows }) { reserve(rows) }
    }

    /// Whether a tap lies behind the last layer's attention.
    var readsLastLayer: Bool { taps.contains { $0 == .lastOutput || $0 == .normedOutput } }

    /// Copies rows of `source` if a tap is at that place.
    ///
    /// - Parameters:
    ///   - rows: those that want features, in order.
    ///   - prepare: computes a row before it is copied.
    func copy(_ tap: FeatureTap, from source: FloatMatrix, rows: [Int], preparing prepare: (Int) -> Void = { _ in }) {
        for (number, own) in taps.enumerated() where own == tap {
            for (index, row) in rows.enumerated() {
                prepare(row)
                values[number].copyRow(index, from: source, row: row)
            }
        }
    }

    private func reserve(_ rows: Int) {
        values = taps.map { _ in FloatMatrix(rows: rows, columns: width) }
    }
}

/// A tap that a model does not have.
package struct FeatureTapError: Error, Equatable, CustomStringConvertible {
    let layer: Int
    let layers: Int

    package var description: String {
        "the model has no layer \(layer) to read features from; give 0 to \(layers - 1)"
    }
}
