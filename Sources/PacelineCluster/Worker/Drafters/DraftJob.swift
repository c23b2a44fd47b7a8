package import PacelineSpeculation

/// One turn of the worker's compute thread: follow a session's base, then take a draft step.
///
/// The thread gets one job at a time; everything that came up meanwhile travels in the next. So only tokens queue up
/// behind a slow drafter.
package struct DraftJob: Sendable {
    /// How a session begins.
    package struct Opening: Sendable {
        package var base: [Token]
        package var sampling: SamplingParameters
        /// What the text must be; nil if nothing is known.
        package var constraint: DraftConstraint?
        /// Limits that the receiver of the tree enforces.
        package var limits: TreeLimits
    }

    /// A turn for one session.
    package struct Turn: Sendable {
        package var session: DraftSessionID
        /// Set in the first turn.
        package var opening: Opening?
        /// Tokens by which the base has grown since the last turn.
        package var committed: [Token]
        /// Features of the target that have come since the last turn, in order.
        var features: [FeatureBlock] = []
        /// Nodes below the base that are being verified; nil if nothing new is known.
        var verifying: TokenTree?
        /// Bounds on the tree. If they leave no room, no step is taken.
        package var policy: GrowthPolicy
    }

    /// Sessions that are over, to be forgotten first.
    package var closings: [DraftSessionID]
    package var turn: Turn?
}

/// What a turn brought.
package struct DraftResult: Sendable {
    package enum Outcome: Sendable {
        /// Nodes that follow those already there. `isFinal`: no further step pays before the next verdict.
        case grew([TokenTree.Node], isFinal: Bool)
        /// The whole tree, since its root is a new base or some of its nodes have changed.
        case restarted([TokenTree.Node], isFinal: Bool)
        /// The drafter cannot go on with this session.
        case failed(String)
    }

    package var session: DraftSessionID
    package var outcome: Outcome
    /// Nodes that are new in the tree, whether or not they were sent before.
    package var drafted = 0
}
