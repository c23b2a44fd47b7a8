/// What one method did on one prompt with one way of sampling, one planner and one acceptance rule.
package struct MethodCell: Sendable, Hashable, Codable {
    /// Times of one run, in milliseconds. The reading of the prompt by the target is not in them.
    package struct Trial: Sendable, Hashable, Codable {
        /// What the drafters took, the reading of the prompt included.
        package var drafting: Double
        /// What the target's passes took; nil if the target did not run.
        package var verifying: Double?
        /// What the target's passes took in plain decoding beside it; nil if the target did not run.
        package var plain: Double?

        package init(drafting: Double, verifying: Double? = nil, plain: Double? = nil) {
            self.drafting = drafting
            self.verifying = verifying
            self.plain = plain
        }

        /// How many times faster than plain decoding; nil if the target did not run.
        package var speedUp: Double? {
            guard let verifying, let plain, drafting + verifying > 0 else { return nil }
            return plain / (drafting + verifying)
        }
    }

    package struct Key: Sendable, Hashable {
        package var sampling: String
        package var prompt: Int
        package var method: String
        /// What shapes trees, as a user names it.
        package var planner: String
        /// What decides about them, as a user names it.
        package var acceptance: String

        package init(
            sampling: String,
            prompt: Int,
            method: String,
            planner: String = PlannerName.bestFirst.rawValue,
            acceptance: String = AcceptanceName.sampleMatch.rawValue
        ) {
            self.sampling = sampling
            self.prompt = prompt
            self.method = method
            self.planner = planner
            self.acceptance = acceptance
        }
    }

    package var sampling: String
    package var prompt: Int
    package var category: String
    package var method: String
    /// Nil in what earlier versions wrote: best-first, or what their settings say.
    package var planner: String?
    /// Nil in what earlier versions wrote: sample-match.
    package var acceptance: String?
    /// Whether the text is plain decoding's, token for token. Nil in what earlier versions wrote: it is.
    package var isPlain: Bool?
    package var figures: MethodFigures
    /// At least one.
    package var trials: [Trial]

    package init(_ key: Key, category: String, isPlain: Bool = true, figures: MethodFigures, trials: [Trial]) {
        (sampling, prompt, method) = (key.sampling, key.prompt, key.method)
        (planner, acceptance, self.isPlain) = (key.planner, key.acceptance, isPlain)
        self.category = category
        self.figures = figures
        self.trials = trials
    }

    package var key: Key {
        Key(
            sampling: sampling,
            prompt: prompt,
            method: method,
            planner: planner ?? PlannerName.bestFirst.rawValue,
            acceptance: acceptance ?? AcceptanceName.sampleMatch.rawValue
        )
    }
}
