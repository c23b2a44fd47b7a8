/// The answer of `GET /v1/requests/{id}/trace`: what happened to a request, round by round. Times are in milliseconds.
package struct RequestTraceBody: Codable, Sendable, Hashable {
    package var object = "request.trace"
    /// The `x-request-id`.
    package var id: String
    /// The `id` of the answer.
    package var answer: String
    /// Of W3C Trace Context.
    package var traceID: String
    /// When it came, in seconds since 1970.
    package var created: Int
    package var choices: [Choice]

    /// One choice of the answer.
    package struct Choice: Codable, Sendable, Hashable {
        package var index: Int
        /// `waiting`, `prefill`, `decoding`, `finished` or `failed`.
        package var phase: String
        /// Why it ended: `stop`, `length` or `cancelled`, or what went wrong; nil while it goes on.
        package var ending: String?
        package var promptTokens: Int
        package var completionTokens: Int
        package var draftTokens: Int
        package var acceptedTokens: Int
        package var timings: Timings
        /// All rounds, and those of them that are kept: the first few and the latest.
        package var roundCount: Int
        package var rounds: [Round]

        enum CodingKeys: String, CodingKey {
            case index, phase, ending, timings, rounds
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
            case draftTokens = "draft_tokens"
            case acceptedTokens = "accepted_tokens"
            case roundCount = "round_count"
        }
    }

    /// Where the time went. The parts of rounds are summed over all that came after the first token.
    package struct Timings: Codable, Sendable, Hashable {
        /// From submission to the first pass that could have had it.
        package var queueMS: Double
        /// From there to the first token.
        package var prefillMS: Double
        /// Passes could have begun, and waited for drafts.
        package var draftWaitMS: Double
        /// Passes of the target, without ``sampleMS``; other requests share them.
        package var verifyMS: Double
        /// Choosing tokens from logits.
        package var sampleMS: Double
        /// Between passes, and between the compute thread and the rest.
        package var otherMS: Double
        /// From a round's end until its tokens had left, on average; nil if nobody measured it.
        package var sendMS: Double?
        /// From submission to the last token.
        package var totalMS: Double

        enum CodingKeys: String, CodingKey {
            case queueMS = "queue_ms"
            case prefillMS = "prefill_ms"
            case draftWaitMS = "draft_wait_ms"
            case verifyMS = "verify_ms"
            case sampleMS = "sample_ms"
            case otherMS = "other_ms"
            case sendMS = "send_ms"
            case totalMS = "total_ms"
        }
    }

    /// One pass of the target, as far as it was about the request.
    package struct Round: Codable, Sendable, Hashable {
        package var number: Int
        /// When it ended, since submission.
        package var atMS: Double
        package var waitMS: Double
        package var verifyMS: Double
        package var sampleMS: Double?
        package var sendMS: Double?
        /// Rows of the pass, and sequences that shared it.
        package var rows: Int
        package var sequences: Int
        /// Prompt tokens that were computed, and found in the cache; nil in a round that decided about tokens.
        package var prefilled: Int?
        package var reused: Int?
        package var drafts: [Draft]
        package var verified: Int
        package var accepted: Int
        package var tokens: [UInt32]
        package var text: String

        enum CodingKeys: String, CodingKey {
            case number, rows, sequences, prefilled, reused, drafts, verified, accepted, tokens, text
            case atMS = "at_ms"
            case waitMS = "wait_ms"
            case verifyMS = "verify_ms"
            case sampleMS = "sample_ms"
            case sendMS = "send_ms"
        }
    }

    /// What a worker had drafted when a pass began.
    package struct Draft: Codable, Sendable, Hashable {
        package var worker: String
        package var drafter: String
        package var nodes: Int
        /// How long before the pass it last added to its tree; nil if it did not since the round before.
        package var ageMS: Double?

        enum CodingKeys: String, CodingKey {
            case worker, drafter, nodes
            case ageMS = "age_ms"
        }
    }

    enum CodingKeys: String, CodingKey {
        case object, id, answer, created, choices
        case traceID = "trace_id"
    }
}

/// The answer of `GET /v1/requests`: the requests that can be traced, latest first.
package struct RequestList: Codable, Sendable, Hashable {
    package struct Entry: Codable, Sendable, Hashable {
        package var id: String
        package var answer: String
        package var choice: Int
        package var created: Int
        package var phase: String
        package var promptTokens: Int
        package var completionTokens: Int
        package var rounds: Int
        /// Since its submission, up to its end.
        package var ageMS: Double

        enum CodingKeys: String, CodingKey {
            case id, answer, choice, created, phase, rounds
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
            case ageMS = "age_ms"
        }
    }

    package var object = "list"
    package var data: [Entry]
}
