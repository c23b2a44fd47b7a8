/// Why a grammar cannot be used.
package struct GrammarError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where: a JSON path such as `$.properties.name`, or a position such as `line 3`; empty for the whole.
    package var place: String
    /// What is wrong, and what to do about it: one line, whatever of the grammar it names.
    package let reason: String

    package init(_ place: String, _ reason: String) {
        (self.place, self.reason) = (place, Self.line(reason))
    }

    package var description: String { place.isEmpty ? reason : "\(Self.line(place)): \(reason)" }

    /// The text with escapes for what would end a line, or is not to be seen.
    private static func line(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { line, scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: line += scalar.escaped(asASCII: true)
            default: line.unicodeScalars.append(scalar)
            }
        }
    }
}
