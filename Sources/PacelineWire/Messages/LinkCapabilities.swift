/// Abilities of a worker that a verifier may use.
package struct LinkCapabilities: OptionSet, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The worker appends to a tree with several `Tree` messages.
    package static let deltas = LinkCapabilities(rawValue: 1 << 0)
    /// The worker uses `Verifying`; without this capability it gets none.
    package static let verifying = LinkCapabilities(rawValue: 1 << 1)
    /// The worker samples with the verifier's noise of (seed, position, token).
    package static let sharedNoise = LinkCapabilities(rawValue: 1 << 2)
    /// The worker uses the constraint in `Open`; without this capability, or in version 1, it gets none.
    package static let constraints = LinkCapabilities(rawValue: 1 << 3)
    /// The worker reads the features that its `Hello` names; without this capability, or in version 1, it gets none.
    package static let features = LinkCapabilities(rawValue: 1 << 4)
}
