import PacelineWire

/// How a verifier and its workers take turns.
package enum DraftingMode: String, Sendable, CaseIterable, Codable {
    /// Workers draft on while their trees are verified, and a pass waits only while waiting pays.
    case asynchronous
    /// The classic protocol, for comparisons: one tree of bounded size for each verdict. The verifier waits for it, and
    /// the workers wait for the verdict.
    case stopAndWait = "stop-and-wait"
}

extension VerifierConfiguration {
    /// Takes turns with workers as `mode` says; ``maximumWait`` stays as it is.
    package mutating func adopt(_ mode: DraftingMode) {
        waitsForWorkers = mode == .stopAndWait
        // What a worker has drafted when it stops is one tree below one base: its credit leaves no room to run ahead.
        draft = mode == .stopAndWait ? .stopAndWait : VerifierConfiguration().draft
    }
}

extension DraftLimits {
    /// A tree of a size that pays when each level delays the round by a draft step.
    fileprivate static let stopAndWait = DraftLimits(nodes: 16, depth: 6, width: 4)
}
