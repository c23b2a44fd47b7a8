package import PacelineModel
package import PacelineSpeculation

/// One forward pass of the target: rounds of several sequences side by side.
///
/// A pass also carries the closings and openings since the last one, to be done before its rounds. So the compute
/// thread is never handed more than one job, and its mailbox cannot grow.
package struct Pass: Sendable {
    /// A sequence for the engine to make room for.
    package struct Opening: Sendable {
        package var request: RequestID
        /// Every token that is committed now: at least one.
        package var base: [Token]
        package var sampling: SamplingParameters
        /// The sequence will hold at most this many tokens.
        package var lengthLimit: Int
        /// Tokens that may not be chosen yet. A part of the law, as the sampling parameters are.
        package var mask = TokenMask.none
        /// What the text behind the prompt must be; a part of the law too.
        package var constraint: Constraint?
        /// Tokens of the base that are prompt. The constraint begins behind them.
        package var promptLength = 0
        /// Which log-probabilities outcomes carry; nil for none. Those of the prompt are those of the whole base.
        package var logProbabilities: LogProbabilityRequest?
        /// Which sequences may share what is computed for this one.
        package var scope = PrefixScope.common

        package init(request: RequestID, base: [Token], sampling: SamplingParameters, lengthLimit: Int) {
            self.request = request
            self.base = base
            self.sampling = sampling
            self.lengthLimit = lengthLimit
        }
    }

    package var closings: [RequestID]
    package var openings: [Opening]
    package var rounds: [Round]
    /// Which features outcomes carry; none if nobody reads any. They change no bit of what is decided.
    package var taps: [FeatureTap]

    package init(
        closings: [RequestID] = [],
        openings: [Opening] = [],
        rounds: [Round] = [],
        taps: [FeatureTap] = []
    ) {
        self.closings = closings
        self.openings = openings
        self.rounds = rounds
        self.taps = taps
    }

    /// Rows that the pass computes: what its time depends on.
    package var rows: Int {
        rounds.reduce(0) { $0 + $1.rows }
    }

    package var isEmpty: Bool {
        closings.isEmpty && openings.isEmpty && rounds.isEmpty
    }
}
