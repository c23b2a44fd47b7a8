/// Why a grammar cannot be used.
package struct GrammarError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where: a JSON path such as `$.properties.name`, or a position such as `line 3`; empty for the whole.
    package var place: String
    /// What is wrong, and what to do about it.
    package var reason: String

    package init(_ place: String, _ reason: String) {
        (self.place, self.reason) = (place, reason)
    }

    package var description: String { place.isEmpty ? reason : "\(place): \(reason)" }
}
