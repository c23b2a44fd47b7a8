package import PacelineSpeculation
package import PacelineTensor

/// A head's network that drafts on from its own guesses: EAGLE of any version.
///
/// A row reads what was made of the target's features of position i, or what an earlier row guessed of them, and the
/// embedding of token t_{i+1}, at position i. One thread uses it at a time; all contexts share it.
package protocol SelfFedNetwork: AnyObject {
    typealias Row = SelfFedRow

    /// Numbers of the target's features that one row is made of.
    var featureWidth: Int { get }
    var vocabulary: TargetVocabulary { get }
    var compute: Compute { get }
    /// A context without rows.
    var emptyContext: FloatKeyValues { get }

    /// What rows read of the target's features: rows × the width of guesses.
    ///
    /// - Parameter features: rows × ``featureWidth``.
    func fused(_ features: ArraySlice<Float>) -> ArraySlice<Float>

    /// Computes rows, and appends their keys and values to a context.
    ///
    /// - Parameter rows: at least one. A row may see itself and those before it: they are appended first.
    /// - Returns: the guessed features, rows × width; valid until the next pass.
    func forward(_ rows: [Row], context: inout FloatKeyValues) -> FloatMatrix

    /// The logits of guessed features: features × draft tokens; valid until they are asked for again.
    ///
    /// - Parameter features: of at least one row.
    func logits(of features: [[Float]]) -> FloatMatrix
}

/// A row of a pass.
package struct SelfFedRow {
    package var feature: ArraySlice<Float>
    package var token: Token
    /// That of the feature.
    package var position: Int
    package var view: FloatKeyValues.View

    package init(feature: ArraySlice<Float>, token: Token, position: Int, view: FloatKeyValues.View) {
        (self.feature, self.token) = (feature, token)
        (self.position, self.view) = (position, view)
    }
}
