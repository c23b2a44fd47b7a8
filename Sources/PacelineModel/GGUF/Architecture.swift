/// What sets one model family apart from another in the same transformer; families are rows of a table.
package struct Architecture: Sendable, Equatable {
    /// How a head's dimensions are paired for rotation.
    package enum RopeStyle: Sendable {
        /// (0, 1), (2, 3), …: weights that the converter permuted for it.
        case interleaved
        /// (i, i + half): GPT-NeoX's pairing.
        case halves
    }

    /// Whether an optional tensor belongs to the family.
    package enum Presence: Sendable {
        case always, never, ifInFile
    }

    /// `general.architecture`, which also prefixes the family's metadata keys.
    package let name: String
    package let ropeStyle: RopeStyle
    /// Biases of the query, key and value projections.
    package let queryKeyValueBias: Presence

    /// The families that the transformer can compute.
    package static let known: [Architecture] = [
        Architecture(name: "llama", ropeStyle: .interleaved, queryKeyValueBias: .ifInFile),
        Architecture(name: "qwen2", ropeStyle: .halves, queryKeyValueBias: .always),
    ]

    /// The family called `name`; nil when it is unknown.
    package static func named(_ name: String) -> Architecture? {
        known.first { $0.name == name }
    }
}
