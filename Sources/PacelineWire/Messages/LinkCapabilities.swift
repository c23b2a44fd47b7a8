/// Things that a worker can do and a verifier may use.
package struct LinkCapabilities: OptionSet, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The worker appends to a tree with several `Tree` messages.
    package static let deltas = LinkCapabilities(rawValue: 1 << 0)
    /// The worker makes use of `Verifying`; without this it is sent none.
    package static let verifying = LinkCapabilities(rawValue: 1 << 1)
    /// The worker draws with the verifier's noise of (seed, position, token).
    package static let sharedNoise = LinkCapabilities(rawValue: 1 << 2)
}
