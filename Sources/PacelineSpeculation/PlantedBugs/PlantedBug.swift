#if DEBUG
    import Synchronization

    /// A bug in the code that the simulator runs, there to show that the simulator's checks find it.
    ///
    /// Debug builds carry all of them and plant the one that is asked for; without asking none. In a release build a
    /// bug's name means `false` to the compiler, and nothing of it is left in the program. The checks that find each
    /// are in `PacelineSimulation/PlantedBugs`.
    package enum PlantedBug: String, CaseIterable, Sendable {
        // Frames and links.
        case headerChecksumIgnored, payloadChecksumIgnored, sequenceIgnored
        case newestVersionForced, otherModelAccepted, basePartsOverlap, openingSentAfterClose
        case silenceForgiven, pingsUnanswered, hungThreadAnswers, flushesUncounted
        // Who is connected, and who drafts for what.
        case twinLinkKept, drainedWorkerUsed, workerSlotsIgnored, verdictSentTwice, withheldVerdictsForgotten
        // Requests at the verifier.
        case slotsOffByOne, queueUnbounded, waitingForgotten, cancelIgnored, slowClientKept, draftLimitIgnored
        case minimumOffByOne, lengthOffByOne, correctionDropped, tokensEmittedTwice, wrongFinishReason
        case logProbabilitiesShifted, promptScoresRepeated, tenantScopeIgnored
        // Passes, and keys and values.
        case reusedPrefillUncounted, cacheLengthForgotten, engineSequenceKept, draftsAwaitedTooLong
        case acceptedRowsNotMoved, rejectedRowsKept, sharedPageFreedEarly, prefixScopeIgnored, prefixParentIgnored
        // What is drafted.
        case stalenessNotChecked, epochNotCompared, treeNotFollowed, rerootOffByOne, gapsAccepted
        case creditNotEnforced, creditLeaked, mergedUnderBase, subtreeNotRenumbered, firstChildAccepted
        case confidenceTrusted, lossIgnored
        // What workers are told of the target's features.
        case featuresMisplaced, foreignFeaturesTold, rejectedFeaturesTold
        // The worker.
        case sentNodesNotReset, treeMisnamed, creditOverdrawn, committedTokensForgotten, closedSessionKept
        case sessionsOutliveLink, neverReconnects, closedDraftsKept
        // The gateway.
        case resumedOneEarly, heldChunksRepeated, generationForgotten, attemptLeaked, chargeLeaked, goneClientServed
        case refusalIsFinal, seedForgotten, healthAskedOnce

        /// The bug that is planted in whatever the present thread or task runs; nil for none.
        @TaskLocal private static var planted: PlantedBug?
        /// How many pieces of work run with a bug at present, in the whole process. While none does, to look at this is
        /// enough; to read the value of a task takes many times as long, and there are questions at every step.
        private static let plantings = Atomic(0)

        package var isPlanted: Bool { Self.plantings.load(ordering: .relaxed) > 0 && Self.planted == self }

        /// Does something with a bug, or with none.
        package static func plant<Result>(_ bug: PlantedBug?, in work: () throws -> Result) rethrows -> Result {
            guard let bug else { return try $planted.withValue(nil, operation: work) }
            plantings.add(1, ordering: .relaxed)
            defer { plantings.subtract(1, ordering: .relaxed) }
            return try $planted.withValue(bug, operation: work)
        }
    }
#else
    /// No bug: every name that a debug build knows stands for ``Absence``.
    ///
    /// Public, not `package`: the compiler inlines into other modules only what is public (Swift 6.3), and without that
    /// each name would stay in the program, and each question would be a call.
    @dynamicMemberLookup
    public enum PlantedBug {
        /// A bug that is not there.
        public struct Absence {
            @inlinable
            init() {}

            /// False, known to the compiler.
            @inlinable @inline(__always)
            public var isPlanted: Bool { false }
        }

        /// A bug by its name in debug builds.
        @inlinable @inline(__always)
        public static subscript(dynamicMember name: StaticString) -> Absence { Absence() }
    }
#endif
