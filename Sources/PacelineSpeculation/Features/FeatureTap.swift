/// A place in the target where features are read: rows as wide as its embeddings.
package enum FeatureTap: Hashable, Sendable {
    /// The residual stream that enters a layer, from 0 on. EAGLE-3 reads three of them.
    case input(layer: Int)
    /// The residual stream after the last layer, before the final norm. Heads of the MTP kind read it.
    case lastOutput
    /// What the output matrix multiplies: the last layer's output after the final norm. EAGLE and Medusa read it.
    case normedOutput
}

extension FeatureTap: CustomStringConvertible {
    package var description: String {
        switch self {
        case .input(let layer): "the input of layer \(layer)"
        case .lastOutput: "the last layer's output"
        case .normedOutput: "the last layer's output after the final norm"
        }
    }
}
