package import PacelineTraining

/// Sizes and options of an EAGLE-3 head.
///
/// fc makes one row as wide as the layer of the target's features. Queries, keys and values read the normed embedding
/// and that row, normed, side by side; the row itself is the residual. A norm and an output matrix of its own follow.
/// What comes out before that norm is the next row while the head drafts on.
///
/// (EAGLE-3: arXiv 2503.01840)
package struct Eagle3Shape: Equatable, Sendable {
    /// How the target's features are normed before they are fused.
    package enum FeatureNorm: Int, CaseIterable, Sendable {
        case none
        /// Each tap by itself (EAGLE-3.1).
        case each
        /// All of a row's numbers together.
        case whole
    }

    package var layer: DecoderLayer.Shape
    /// How many features a row has, each as wide as the layer.
    package var taps: Int
    package var featureNorm = FeatureNorm.none
    /// Whether the residual is the normed row, not the row as it is.
    package var normsResidual = false
    /// Whether the output after the norm is fed on (EAGLE-3.1), not that before.
    package var feedsNormed = false
    /// Rows of its own output matrix; nil if it has the target's.
    package var outputTokens: Int?

    package init(layer: DecoderLayer.Shape, taps: Int = 3) {
        (self.layer, self.taps) = (layer, taps)
    }

    /// The names and places of the parameters.
    package var layout: ParameterLayout {
        let width = layer.width
        var layout = ParameterLayout()
        if featureNorm != .none { _ = layout.vector("enc.output_norm.weight", taps * width) }
        _ = layout.matrix("fc.weight", rows: width, columns: taps * width)
        _ = layout.vector("attn_norm.weight", width)
        _ = layout.vector("attn_norm_2.weight", width)
        _ = DecoderLayer(layer, inputWidth: 2 * width, hasInputNorm: false, in: &layout)
        _ = layout.vector("output_norm.weight", width)
        if let outputTokens { _ = layout.matrix("output.weight", rows: outputTokens, columns: width) }
        return layout
    }
}
