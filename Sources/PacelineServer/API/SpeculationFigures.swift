/// The results of speculation for one request, by vLLM's definitions.
package struct SpeculationFigures: Codable, Sendable, Hashable {
    /// Passes of the target that decided the request's tokens, including those without drafted tokens.
    package var numRounds: Int
    /// Rounds that verified at least one drafted token.
    package var numDrafts: Int
    package var numDraftTokens: Int
    package var numAcceptedTokens: Int
    /// 1 + accepted / drafts: the tokens that such a round committed, including the correction; 1 without drafts.
    package var meanAcceptanceLength: Double
    /// accepted / drafted; 0 without drafts.
    package var draftAcceptanceRate: Double

    package init(numRounds: Int, numDrafts: Int, numDraftTokens: Int, numAcceptedTokens: Int) {
        self.numRounds = numRounds
        self.numDrafts = numDrafts
        self.numDraftTokens = numDraftTokens
        self.numAcceptedTokens = numAcceptedTokens
        meanAcceptanceLength = 1 + Self.ratio(numAcceptedTokens, numDrafts)
        draftAcceptanceRate = Self.ratio(numAcceptedTokens, numDraftTokens)
    }

    private static func ratio(_ part: Int, _ whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) : 0
    }

    enum CodingKeys: String, CodingKey {
        case numRounds = "num_rounds"
        case numDrafts = "num_drafts"
        case numDraftTokens = "num_draft_tokens"
        case numAcceptedTokens = "num_accepted_tokens"
        case meanAcceptanceLength = "mean_acceptance_length"
        case draftAcceptanceRate = "draft_acceptance_rate"
    }
}

/// One worker's contribution: to one request in its answer, or since it connected in `/v1/workers`.
package struct WorkerContribution: Codable, Sendable, Hashable {
    package var id: String
    /// The drafters: a model's name, `ngram`, …
    package var drafter: String
    package var numDraftTokens: Int
    package var numAcceptedTokens: Int
    /// Whether the worker is currently not asked to draft; only in `/v1/workers`.
    package var isResting: Bool?
    /// The measured reason why it rests, or rested last; only in `/v1/workers`.
    package var restReason: String?

    package init(
        id: String,
        drafter: String,
        numDraftTokens: Int,
        numAcceptedTokens: Int,
        isResting: Bool? = nil,
        restReason: String? = nil
    ) {
        self.id = id
        self.drafter = drafter
        self.numDraftTokens = numDraftTokens
        self.numAcceptedTokens = numAcceptedTokens
        self.isResting = isResting
        self.restReason = restReason
    }

    enum CodingKeys: String, CodingKey {
        case id, drafter
        case numDraftTokens = "num_draft_tokens"
        case numAcceptedTokens = "num_accepted_tokens"
        case isResting = "resting"
        case restReason = "rest_reason"
    }
}
