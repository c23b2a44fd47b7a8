#if DEBUG
    import PacelineCluster
    package import PacelineSpeculation

    /// How a planted bug is found: in which scenarios, by which promise, within how many seeds.
    package struct BugHunt: Sendable, CustomStringConvertible {
        /// Scenarios that give a bug the chance to show itself.
        enum Ground: Sendable {
            /// Small clusters that these kinds of faults strike.
            case cluster([FaultKind])
            /// The same with requests that last for seconds.
            case lasting([FaultKind])
            /// Engines that share pages.
            case extremes([FaultKind])
            /// Verifiers behind gateways, under every fault.
            case gateways
            /// The speed with drafters that are always wrong, and with drafters that are nearly always right.
            case worthless, helpful
        }

        package let bug: PlantedBug
        let ground: Ground
        /// Any of these may break first.
        package let promises: Set<Violation.Promise>
        /// The number of seeds, from 1 on, among which one must show the bug.
        package let seeds: UInt64

        private init(
            _ bug: PlantedBug,
            on ground: Ground,
            _ promises: Set<Violation.Promise>,
            within seeds: UInt64
        ) {
            (self.bug, self.ground, self.promises, self.seeds) = (bug, ground, promises, seeds)
        }

        package var description: String { bug.rawValue }

        /// One hunt for each bug that is known to be found; the README beside this folder names the others.
        package static let all: [BugHunt] = [
            .init(.headerChecksumIgnored, on: .cluster([.corrupt]), [.corruption], within: 10),
            .init(
                .payloadChecksumIgnored,
                on: .cluster([.corrupt]),
                [.corruption, .falseAccusation, .staleness],
                within: 6
            ),
            .init(.sequenceIgnored, on: .cluster([.duplicate]), [.corruption], within: 4),
            .init(.newestVersionForced, on: .cluster([]), [.falseAccusation], within: 4),
            .init(.otherModelAccepted, on: .cluster([.wrongModel]), [.membership], within: 4),
            .init(.pingsUnanswered, on: .lasting([]), [.reasons], within: 4),
            .init(.flushesUncounted, on: .lasting([]), [.reasons], within: 4),
            .init(.workerSlotsIgnored, on: .cluster([]), [.membership], within: 14),
            .init(.verdictSentTwice, on: .cluster([]), [.falseAccusation], within: 4),
            .init(.withheldVerdictsForgotten, on: .cluster([.lie]), [.falseAccusation], within: 4),
            .init(.slotsOffByOne, on: .cluster([.overload]), [.caps], within: 4),
            .init(.queueUnbounded, on: .cluster([.overload]), [.caps], within: 4),
            .init(.waitingForgotten, on: .cluster([.overload]), [.liveness], within: 4),
            .init(.cancelIgnored, on: .cluster([.cancel]), [.cancellation], within: 4),
            .init(.slowClientKept, on: .cluster([.slowClient]), [.cancellation], within: 4),
            .init(.draftLimitIgnored, on: .cluster([]), [.caps], within: 12),
            .init(.lengthOffByOne, on: .cluster([]), [.engine, .identity], within: 4),
            .init(.correctionDropped, on: .cluster([]), [.identity, .engine], within: 4),
            .init(.tokensEmittedTwice, on: .cluster([]), [.identity, .stream, .engine], within: 4),
            .init(.wrongFinishReason, on: .cluster([]), [.stream], within: 4),
            .init(.logProbabilitiesShifted, on: .cluster([]), [.identity], within: 4),
            .init(.promptScoresRepeated, on: .cluster([]), [.identity], within: 4),
            .init(.tenantScopeIgnored, on: .cluster([]), [.engine, .liveness], within: 4),
            .init(.reusedPrefillUncounted, on: .extremes([]), [.engine], within: 6),
            .init(.cacheLengthForgotten, on: .cluster([]), [.engine], within: 4),
            .init(.engineSequenceKept, on: .cluster([]), [.accounting, .liveness, .engine], within: 4),
            .init(.acceptedRowsNotMoved, on: .extremes([]), [.engine], within: 6),
            .init(.rejectedRowsKept, on: .extremes([]), [.engine], within: 4),
            .init(.sharedPageFreedEarly, on: .extremes([]), [.engine], within: 6),
            .init(.prefixScopeIgnored, on: .extremes([]), [.engine], within: 6),
            .init(.treeNotFollowed, on: .cluster([]), [.staleness], within: 4),
            .init(.rerootOffByOne, on: .cluster([]), [.staleness], within: 4),
            .init(.creditNotEnforced, on: .cluster([.byzantine]), [.credit], within: 4),
            .init(.creditLeaked, on: .helpful, [.throughput], within: 4),
            .init(.mergedUnderBase, on: .cluster([]), [.staleness], within: 8),
            .init(.subtreeNotRenumbered, on: .cluster([]), [.staleness], within: 8),
            .init(.firstChildAccepted, on: .cluster([]), [.identity], within: 4),
            .init(.sentNodesNotReset, on: .helpful, [.throughput], within: 4),
            .init(.treeMisnamed, on: .cluster([]), [.staleness], within: 4),
            .init(.creditExceeded, on: .cluster([]), [.falseAccusation], within: 4),
            .init(.closedSessionKept, on: .cluster([]), [.accounting, .liveness, .membership], within: 4),
            .init(
                .sessionsOutliveLink,
                on: .cluster([.reset, .cut]),
                [.accounting, .liveness, .membership],
                within: 4
            ),
            .init(.neverReconnects, on: .cluster([.reset, .cut]), [.liveness], within: 10),
            .init(.closedDraftsKept, on: .cluster([]), [.accounting], within: 4),
            .init(.resumedOneEarly, on: .gateways, [.identity, .stream], within: 4),
            .init(.attemptLeaked, on: .gateways, [.accounting], within: 4),
            .init(.chargeLeaked, on: .gateways, [.accounting], within: 4),
        ]

        /// Plants the bug, and runs seeds until one breaks a promise.
        ///
        /// - Returns: nil if none does.
        package func run() throws -> (seed: UInt64, violation: Violation)? {
            for seed in 1...seeds {
                let found = try PlantedBug.$planted.withValue(bug) { try violation(seed: seed) }
                if let found { return (seed, found) }
            }
            return nil
        }

        /// The promise that a seed breaks with whatever bug is planted; nil if it breaks none.
        package func violation(seed: UInt64) throws -> Violation? {
            switch ground {
            case .cluster(let kinds): try Self.violation(in: .struck(seed: seed, by: kinds))
            case .lasting(let kinds): try Self.violation(in: .lasting(seed: seed, by: kinds))
            case .extremes(let kinds): try Self.violation(in: .extremes(seed: seed, allowed: Set(kinds)))
            case .gateways: try Self.violation(in: .behindGateways(seed: seed))
            case .worthless: try SeedOutcome.speed(of: Trial(.worthless(seed: seed), .worthless)).violation
            case .helpful: try SeedOutcome.speed(of: Trial(.helpful(seed: seed), .helpful)).violation
            }
        }

        private static func violation(in scenario: Scenario) throws -> Violation? {
            let simulation = try Simulation(scenario)
            simulation.run()
            return simulation.violation
        }
    }
#endif
