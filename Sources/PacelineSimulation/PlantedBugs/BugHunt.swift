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
            /// The same with verifiers that wait for their workers as long as they may.
            case waiting([FaultKind])
            /// The same where requests have stop tokens that come a token too early to count.
            case minimums
            /// The same where long bases travel in small parts.
            case parts([FaultKind])
            /// The same where all workers read features.
            case heads([FaultKind])
            /// Verifiers behind gateways, under every fault or under some for sure.
            case gateways
            case struckGateways([FaultKind])
            /// The same with a crowd of clients that ask for a little each.
            case crowdedGateways([FaultKind])
            /// The speed with drafters that are always wrong, and with drafters that are nearly always right.
            case worthless, helpful
            /// Poor drafters on the verifier's machine.
            case contended
        }

        package let bug: PlantedBug
        let ground: Ground
        /// Any of these may break first.
        package let promises: Set<Violation.Promise>
        /// A seed that shows the bug.
        package let seed: UInt64
        /// If it does not any more, one of so many seeds must, from 1 on.
        package var seeds: UInt64 { max(4, 2 * seed) }

        init(_ bug: PlantedBug, on ground: Ground, _ promises: Set<Violation.Promise>, at seed: UInt64) {
            (self.bug, self.ground, self.promises, self.seed) = (bug, ground, promises, seed)
        }

        package var description: String { bug.rawValue }

        /// One hunt for each bug.
        package static let all: [BugHunt] = verifying + drafting + gateways

        /// Frames and links, requests, passes.
        private static let verifying: [BugHunt] = [
            .init(.headerChecksumIgnored, on: .cluster([.corrupt]), [.corruption], at: 5),
            .init(
                .payloadChecksumIgnored,
                on: .cluster([.corrupt]),
                [.corruption, .falseAccusation, .staleness],
                at: 3
            ),
            .init(.sequenceIgnored, on: .cluster([.duplicate]), [.corruption], at: 2),
            .init(.newestVersionForced, on: .cluster([]), [.falseAccusation], at: 2),
            .init(.otherModelAccepted, on: .cluster([.wrongModel]), [.membership], at: 1),
            .init(.basePartsOverlap, on: .parts([]), [.falseAccusation], at: 1),
            .init(
                .openingSentAfterClose,
                on: .parts([.tinyLimits, .latency, .cancel]),
                [.accounting, .liveness],
                at: 2
            ),
            .init(.silenceForgiven, on: .cluster([.halfOpen]), [.accounting, .liveness], at: 1),
            .init(.pingsUnanswered, on: .lasting([]), [.reasons], at: 1),
            .init(.hungThreadAnswers, on: .lasting([.hang]), [.detection], at: 3),
            .init(.flushesUncounted, on: .lasting([]), [.reasons], at: 1),
            .init(.twinLinkKept, on: .cluster([.oneWayHalfOpen]), [.membership], at: 2),
            .init(.drainedWorkerUsed, on: .cluster([.drain]), [.membership], at: 2),
            .init(.workerSlotsIgnored, on: .cluster([]), [.membership], at: 7),
            .init(.verdictSentTwice, on: .cluster([]), [.falseAccusation], at: 1),
            .init(.withheldVerdictsForgotten, on: .cluster([.lie]), [.falseAccusation], at: 2),
            .init(.slotsOffByOne, on: .cluster([.overload]), [.caps], at: 1),
            .init(.queueUnbounded, on: .cluster([.overload]), [.caps], at: 1),
            .init(.waitingForgotten, on: .cluster([.overload]), [.liveness], at: 1),
            .init(.cancelIgnored, on: .cluster([.cancel]), [.cancellation], at: 2),
            .init(.slowClientKept, on: .cluster([.slowClient]), [.cancellation], at: 1),
            .init(.draftLimitIgnored, on: .cluster([]), [.caps], at: 6),
            .init(.minimumOffByOne, on: .minimums, [.identity, .stream, .engine], at: 1),
            .init(.lengthOffByOne, on: .cluster([]), [.engine, .identity], at: 1),
            .init(.correctionDropped, on: .cluster([]), [.identity, .engine], at: 1),
            .init(.tokensEmittedTwice, on: .cluster([]), [.identity, .stream, .engine], at: 1),
            .init(.wrongFinishReason, on: .cluster([]), [.stream], at: 1),
            .init(.logProbabilitiesShifted, on: .cluster([]), [.identity], at: 2),
            .init(.promptScoresRepeated, on: .cluster([]), [.identity], at: 2),
            .init(.tenantScopeIgnored, on: .cluster([]), [.engine, .liveness], at: 1),
            .init(.reusedPrefillUncounted, on: .extremes([]), [.engine], at: 3),
            .init(.cacheLengthForgotten, on: .cluster([]), [.engine], at: 1),
            .init(.engineSequenceKept, on: .cluster([]), [.accounting, .liveness, .engine], at: 1),
            .init(.draftsAwaitedTooLong, on: .waiting([.pause]), [.delay], at: 1),
            .init(.acceptedRowsNotMoved, on: .extremes([]), [.engine], at: 3),
            .init(.rejectedRowsKept, on: .extremes([]), [.engine], at: 1),
            .init(.sharedPageFreedEarly, on: .extremes([]), [.engine], at: 3),
            .init(.prefixScopeIgnored, on: .extremes([]), [.engine], at: 3),
            .init(.prefixParentIgnored, on: .extremes([]), [.engine], at: 7),
        ]

        /// What is drafted, and the worker.
        private static let drafting: [BugHunt] = [
            .init(.stalenessNotChecked, on: .waiting([.byzantine]), [.staleness], at: 3),
            .init(.epochNotCompared, on: .waiting([.byzantine]), [.staleness], at: 3),
            .init(.treeNotFollowed, on: .cluster([]), [.staleness], at: 1),
            .init(.rerootOffByOne, on: .cluster([]), [.staleness], at: 1),
            .init(.gapsAccepted, on: .waiting([.byzantine]), [.staleness], at: 8),
            .init(.creditNotEnforced, on: .cluster([.byzantine]), [.credit], at: 3),
            .init(.creditLeaked, on: .helpful, [.throughput], at: 1),
            .init(.mergedUnderBase, on: .cluster([]), [.staleness], at: 4),
            .init(.subtreeNotRenumbered, on: .cluster([]), [.staleness], at: 4),
            .init(.firstChildAccepted, on: .cluster([]), [.identity], at: 2),
            .init(.confidenceTrusted, on: .cluster([.lie]), [.throughput], at: 1),
            .init(.lossIgnored, on: .contended, [.throughput], at: 3),
            .init(.sentNodesNotReset, on: .helpful, [.throughput], at: 1),
            .init(.treeMisnamed, on: .cluster([]), [.staleness], at: 2),
            .init(.creditOverdrawn, on: .cluster([]), [.falseAccusation], at: 2),
            .init(.committedTokensForgotten, on: .cluster([]), [.staleness], at: 1),
            .init(.closedSessionKept, on: .cluster([]), [.accounting, .liveness, .membership], at: 1),
            .init(.sessionsOutliveLink, on: .cluster([.reset, .cut]), [.accounting, .liveness, .membership], at: 1),
            .init(.neverReconnects, on: .cluster([.reset, .cut]), [.liveness], at: 5),
            .init(.closedDraftsKept, on: .cluster([]), [.accounting], at: 1),
            .init(.featuresMisplaced, on: .heads([]), [.staleness], at: 1),
            .init(.foreignFeaturesTold, on: .heads([]), [.staleness], at: 2),
            .init(.rejectedFeaturesTold, on: .heads([]), [.staleness], at: 1),
        ]

        private static let gateways: [BugHunt] = [
            .init(.resumedOneEarly, on: .gateways, [.identity, .stream], at: 1),
            .init(.generationForgotten, on: .struckGateways([.upgrade, .upstreamCut]), [.stream], at: 2),
            .init(.attemptLeaked, on: .gateways, [.accounting], at: 1),
            .init(.chargeLeaked, on: .gateways, [.accounting], at: 1),
            .init(.goneClientServed, on: .struckGateways([.cancel]), [.cancellation], at: 1),
            .init(.seedForgotten, on: .struckGateways([]), [.identity, .stream], at: 1),
            .init(.heldChunksRepeated, on: .crowdedGateways([.upstreamCut, .verifierKill]), [.identity], at: 7),
            .init(.refusalIsFinal, on: .crowdedGateways([.verifierKill]), [.liveness], at: 2),
            .init(.healthAskedOnce, on: .struckGateways([.verifierKill]), [.liveness], at: 1),
        ]

        /// Plants the bug, and runs the seed that shows it; if it does not, the others until one does.
        ///
        /// - Returns: nil if none does.
        package func run() throws -> (seed: UInt64, violation: Violation)? {
            for seed in [seed] + (1...seeds) {
                let found = try PlantedBug.plant(bug) { try violation(seed: seed) }
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
            case .waiting(let kinds):
                try Self.violation(in: .struck(seed: seed, by: kinds).waitingForWorkers())
            case .minimums:
                try Self.violation(in: .struck(seed: seed, by: []).stoppingBeforeMinimum())
            case .parts(let kinds):
                try Self.violation(in: .struck(seed: seed, by: kinds).withBasesInParts())
            case .heads(let kinds):
                try Self.violation(in: .struck(seed: seed, by: kinds).draftingWithHeads())
            case .struckGateways(let kinds): try Self.violation(in: .struckBehindGateways(seed: seed, by: kinds))
            case .crowdedGateways(let kinds): try Self.violation(in: .crowdedBehindGateways(seed: seed, by: kinds))
            case .contended: try SeedOutcome.speed(of: Trial(.contended(seed: seed), .contended)).violation
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
