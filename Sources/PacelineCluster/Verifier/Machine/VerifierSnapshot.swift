package import PacelineSpeculation

/// A verifier's state in numbers, for statistics, metrics and tests.
package struct VerifierSnapshot: Sendable, Equatable {
    /// One worker that is or was connected.
    package struct Worker: Sendable, Equatable {
        package var id: LinkID
        package var name: String
        package var drafter: String
        package var isConnected: Bool
        package var openRequests: Int
        package var draftTokens: Int
        package var acceptedTokens: Int
        package var staleTrees: Int
        /// Nodes that the worker may have outstanding for each of its requests.
        package var credit: Int
        /// Why the worker rests at present; nil if it does not.
        package var rest: DraftingRest?
        /// Why the worker rested last, also if it drafts again; nil if it never did.
        package var lastRest: DraftingRest?
    }

    /// All workers with one drafter, since the verifier started.
    package struct Drafter: Sendable, Equatable {
        package var name: String
        /// Those that are connected.
        package var workers = 0
        /// Those of them that rest.
        package var resting = 0
        /// Of all of them, also those that left: these never fall.
        package var draftTokens = 0
        package var acceptedTokens = 0

        package init(name: String) {
            self.name = name
        }
    }

    /// What became of all trees that arrived.
    package struct Trees: Sendable, Equatable {
        package var current = 0
        package var rerooted = 0
        package var stale = 0
        package var overCredit = 0
        package var invalid = 0
        package var flooded = 0
    }

    package var running: Int
    package var waiting: Int
    /// Connected workers first, then the latest that left; each group in the order they came.
    package var workers: [Worker]
    /// Sorted by name.
    package var drafters: [Drafter]
    package var speculation: AcceptanceStatistics
    /// Rounds that verified nothing: plain decoding.
    package var plainRounds: Int
    package var trees: Trees
    package var passes: Int
    /// What passes cost, as the scheduler believes now.
    package var costs: [CostCurve.Point]
    /// Prompt tokens that passes computed for themselves (the last token of a prompt, which a round computes, not
    /// counted).
    package var prefilledTokens: Int
    /// Prompt tokens whose keys and values another request with the same beginning had left.
    package var reusedTokens: Int
    /// How many times as fast as plain decoding the present drafting is measured to be; nil before there is evidence.
    package var speedUp: Double?
    /// Connections that have not finished their handshake.
    package var pendingLinks: Int
    /// Context tokens that running requests have reserved.
    package var reservedTokens: Int
    /// Workers whose connections were closed because they kept breaking rules.
    package var dismissedWorkers = 0
    /// Addresses whose workers left without having been of use; strangers from there begin in doubt.
    package var doubtedAddresses = 0

    /// That of a verifier that has not begun.
    package static let empty = VerifierSnapshot(
        running: 0,
        waiting: 0,
        workers: [],
        drafters: [],
        speculation: AcceptanceStatistics(),
        plainRounds: 0,
        trees: Trees(),
        passes: 0,
        costs: [],
        prefilledTokens: 0,
        reusedTokens: 0,
        pendingLinks: 0,
        reservedTokens: 0
    )
}

/// Why a worker that could draft is not asked to: what was measured.
package enum DraftingRest: Sendable, Equatable {
    /// The target accepted hardly any of its tokens.
    case useless(tokensPerVerdict: Double)
    /// Requests were slower with drafting than without, whichever worker was to blame.
    case slower(speedUp: Double)
}

extension DraftingRest: CustomStringConvertible {
    package var description: String {
        switch self {
        case .useless(let tokens):
            "\(Self.hundredths(tokens)) drafted tokens accepted per verdict, over \(WorkerYield.trial) or more verdicts"
        case .slower(let speedUp):
            "drafting ran at \(Self.hundredths(speedUp)) times the speed of plain decoding"
        }
    }

    private static func hundredths(_ value: Double) -> Double {
        (value * 100).rounded() / 100
    }
}
