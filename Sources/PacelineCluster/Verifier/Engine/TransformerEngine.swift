package import PacelineModel
package import PacelineSpeculation
package import PacelineTensor

/// The target engine of production: a transformer over a paged KV cache.
package final class TransformerEngine: TargetEngine {
    struct EngineSequence {
        let cache: KVCache
        let sampler: Sampler
        /// Where the text stands in its grammar; nil where anything may follow.
        let cursor: ConstraintCursor?
        /// Which log-probabilities are wanted, and what computes them.
        let scoring: (wanted: LogProbabilityRequest, scorer: TokenScorer)?
        /// All committed tokens; the cache holds the first `cache.length` of them.
        var tokens: [Token]
    }

    /// Where the rows of a round lie in a pass.
    struct Placement {
        /// The first of its rows; those of the base come before those of the tree.
        var firstRow: Int
        /// Tokens of the base that the pass computes.
        var pending: Int
        /// Tokens of the base that another sequence had computed.
        var reused: Int
        /// Whether the pending rows have logits.
        var isScored = false
        /// What is decided about; nil for a prefill.
        var tree: LegalTree?
        /// The row of the logits that belongs to the base; its nodes follow. The first scored row of a prefill.
        var logitRow: Int
    }

    /// Prompt tokens of one pass that may have logits: each is a row as wide as the vocabulary.
    private static let scoredRows = 32

    let transformer: Transformer
    private let pool: KVPagePool
    private let rule = SampleMatch()
    private(set) var sequences: [RequestID: EngineSequence] = [:]
    /// Features of all rows of a pass; nil while nobody reads any.
    private var features: FeatureRows?
    package private(set) var samplingMilliseconds: Double?

    /// - Parameters:
    ///   - transformer: used by this engine alone.
    ///   - cacheCapacity: tokens that all sequences may hold together; drafted nodes get room beside them.
    ///   - sequences: the most sequences that are open at a time.
    package init(transformer: Transformer, cacheCapacity: Int, sequences: Int) {
        self.transformer = transformer
        let slots = Self.slots(cacheCapacity: cacheCapacity, sequences: sequences)
        pool = KVPagePool(shape: transformer.cacheShape, slots: slots)
    }

    /// Counts the pages of keys and values, from any thread.
    package var pages: @Sendable () -> KVPageUsage {
        { [pool] in pool.usage }
    }

    /// Slots of the pages for `cacheCapacity` tokens of `sequences`.
    private static func slots(cacheCapacity: Int, sequences: Int) -> Int {
        // A sequence's last page is partly empty, and its tree needs slots behind it.
        cacheCapacity + sequences * (2 * KVPage.slots + TreeLimits().nodes)
    }

    /// The memory that an engine for a model takes.
    ///
    /// - Parameter contextLength: tokens that each of `sequences` may hold.
    package static func demand(
        of model: ModelFile,
        contextLength: Int,
        sequences: Int,
        cacheType: KVType
    ) -> MemoryDemand {
        MemoryDemand(
            model,
            slots: slots(cacheCapacity: contextLength * sequences, sequences: sequences),
            contextLength: contextLength,
            sequences: sequences,
            cacheType: cacheType,
            scoredRows: scoredRows
        )
    }

    package func open(_ opening: Pass.Opening) throws {
        let columns = transformer.weights.columns
        let cursor = opening.constraint.map { ConstraintCursor($0) }
        if let cursor {
            for token in opening.base.dropFirst(opening.promptLength) where !cursor.advance(by: token) {
                throw EngineError.illegalToken(opening.request, token)
            }
        }
        sequences[opening.request] = EngineSequence(
            cache: KVCache(pool: pool, scope: opening.scope),
            sampler: Sampler(
                parameters: opening.sampling,
                columns: columns,
                mask: opening.mask,
                isa: transformer.compute.isa
            ),
            cursor: cursor,
            scoring: opening.logProbabilities.map { ($0, TokenScorer(columns: columns, isa: transformer.compute.isa)) },
            tokens: opening.base
        )
    }

    package func close(_ request: RequestID) {
        sequences[request] = nil
    }

    package func run(_ rounds: [Round], taps: [FeatureTap], progress: ComputeProgress) throws -> [RoundOutcome] {
        transformer.onProgress = { progress.advance() }
        if taps != features?.taps ?? [] {
            features = taps.isEmpty ? nil : try FeatureRows(taps: taps, of: transformer.configuration)
        }
        var rows: [PassRow] = []
        var logitRows = 0
        var scoredRows = Self.scoredRows
        let placements = rounds.map { round in
            Result { try place(round, rows: &rows, logitRows: &logitRows, scoredRows: &scoredRows) }
        }
        let logits = transformer.forward(rows, features: features)
        let start = ContinuousClock.now
        let readings = readings(rounds.map(\.request), placements, of: logits)
        samplingMilliseconds = start.duration(to: .now).inMilliseconds
        return zip(rounds, zip(placements, readings)).map { round, result in
            do {
                return try finish(round.request, result.0.get(), result.1.get())
            } catch let error as KVCacheError {
                return .noRoom(reason: "\(error)")
            } catch {
                return .failed(reason: "\(error)")
            }
        }
    }

    /// Adds the rows of a round to the pass.
    ///
    /// - Parameter scoredRows: how many rows of prompts may still have logits.
    func place(
        _ round: Round,
        rows: inout [PassRow],
        logitRows: inout Int,
        scoredRows: inout Int
    ) throws -> Placement {
        guard let sequence = sequences[round.request] else { throw EngineError.unknownSequence(round.request) }
        let cache = sequence.cache
        switch round.work {
        case .prefill(let count):
            // The last token is left to the round that decides about the next one.
            let last = sequence.tokens.count - 1
            guard cache.length + count <= last else { throw EngineError.prefillBeyondBase(round.request) }
            let isScored = sequence.scoring?.wanted.includesPrompt ?? false
            // Pages hold no logits.
            let reused = isScored ? 0 : cache.adopt(sequence.tokens, limit: last)
            let end = min(cache.length + (isScored ? min(count, scoredRows) : count), last)
            try cache.reserve(end)
            let (pending, firstRow) = (end - cache.length, rows.count)
            rows += committedRows(sequence, upTo: end) { _ in isScored }
            defer { if isScored { (logitRows, scoredRows) = (logitRows + pending, scoredRows - pending) } }
            return Placement(
                firstRow: firstRow,
                pending: pending,
                reused: reused,
                isScored: isScored,
                logitRow: logitRows
            )
        case .verify(let proposed):
            let reused = cache.adopt(sequence.tokens, limit: sequence.tokens.count - 1)
            let tree = try reserve(for: LegalTree(proposed, behind: sequence.cursor), of: sequence)
            let placement = Placement(
                firstRow: rows.count,
                pending: sequence.tokens.count - cache.length,
                reused: reused,
                tree: tree,
                logitRow: logitRows
            )
            rows += committedRows(sequence, upTo: sequence.tokens.count) { $0 == sequence.tokens.count - 1 }
            rows += nodeRows(tree.nodes, of: sequence)
            logitRows += 1 + tree.nodes.count
            return placement
        }
    }

    /// Makes room for a tree, or for an empty one if there is no room: that costs speed only.
    private func reserve(for tree: LegalTree, of sequence: EngineSequence) throws -> LegalTree {
        do {
            try sequence.cache.reserve(sequence.tokens.count + tree.nodes.count)
            return tree
        } catch {
            try sequence.cache.reserve(sequence.tokens.count)
            return tree.emptied
        }
    }

    private func committedRows(
        _ sequence: EngineSequence,
        upTo end: Int,
        wantsLogits: (_ position: Int) -> Bool
    ) -> [PassRow] {
        (sequence.cache.length..<end).map { position in
            .committed(
                sequence.tokens[position],
                position: position,
                cache: sequence.cache,
                wantsLogits: wantsLogits(position),
                wantsFeatures: features != nil
            )
        }
    }

    private func nodeRows(_ tree: TokenTree, of sequence: EngineSequence) -> [PassRow] {
        let base = sequence.tokens.count
        return tree.indices.map { node in
            PassRow(
                token: tree.token(of: node),
                position: base + tree.depth(of: node) - 1,
                cache: sequence.cache,
                slot: base + node,
                base: base,
                path: tree.path(to: node).map { base + $0 },
                wantsLogits: true,
                wantsFeatures: features != nil
            )
        }
    }

    // MARK: Reading logits

    /// What logits say about a round.
    struct Reading {
        /// Nil for a prefill.
        var verdict: Verdict?
        /// Of the verdict's tokens, or of the tokens behind those that a prefill has computed; empty if nobody wants
        /// them.
        var logProbabilities: [TokenLogProbability] = []
    }

    /// Reads the logits of all rounds. Sequences share nothing that this changes, so each is read on any thread.
    private func readings(
        _ requests: [RequestID],
        _ placements: [Result<Placement, any Error>],
        of logits: FloatMatrix
    ) -> [Result<Reading, any Error>] {
        let sequences = requests.map { self.sequences[$0] }
        return transformer.compute.map(requests.count) { index in
            Result {
                guard let sequence = sequences[index] else { throw EngineError.unknownSequence(requests[index]) }
                return try reading(of: sequence, placements[index].get(), logits)
            }
        }
    }

    private func reading(
        of sequence: EngineSequence,
        _ placement: Placement,
        _ logits: FloatMatrix
    ) throws -> Reading {
        if let tree = placement.tree {
            return try verdict(on: tree.nodes, of: sequence, logits: logits, firstRow: placement.logitRow)
        }
        guard placement.isScored, let (wanted, scorer) = sequence.scoring else { return Reading() }
        var reading = Reading()
        let first = sequence.cache.length + 1
        for offset in 0..<placement.pending {
            reading.logProbabilities.append(
                try scorer.score(
                    sequence.tokens[first + offset],
                    logits: logits,
                    row: placement.logitRow + offset,
                    position: first + offset,
                    top: wanted.top
                )
            )
        }
        return reading
    }

    /// The target's verdict on a tree.
    ///
    /// If some logits are not a distribution, the tokens before them are still decided, as they would be without a
    /// tree; the next round fails.
    ///
    /// - Parameter firstRow: the row of the logits that belongs to the base.
    private func verdict(
        on tree: TokenTree,
        of sequence: EngineSequence,
        logits: FloatMatrix,
        firstRow: Int
    ) throws -> Reading {
        let (base, recentLength) = (sequence.tokens, sequence.sampler.recentLength)
        var decided: [Token] = []
        var reading = Reading()
        do {
            reading.verdict = try rule.verdict(on: tree) { node in
                let recent = recentLength == 0 ? [] : base + tree.tokens(onPathTo: node)
                let row = firstRow + (node.map { $0 + 1 } ?? 0)
                let position = base.count + tree.depth(of: node)
                let token = try sequence.sampler.nextToken(
                    logits,
                    row: row,
                    position: position,
                    recent: recent.suffix(recentLength),
                    constraint: sequence.cursor
                )
                // The nodes come in the order of the text, so the cursor moves along the accepted path alone.
                guard sequence.cursor?.advance(by: token) ?? true else { throw DeadEndError(length: position) }
                decided.append(token)
                if let (wanted, scorer) = sequence.scoring {
                    let score = try scorer.score(token, logits: logits, row: row, position: position, top: wanted.top)
                    reading.logProbabilities.append(score)
                }
                return token
            }
        } catch {
            guard let correction = decided.popLast() else { throw error }
            reading.verdict = Verdict(path: tree.descend(decided), accepted: decided, correction: correction)
        }
        return reading
    }

    // MARK: Committing

    /// Commits what a round has computed and decided.
    func finish(_ request: RequestID, _ placement: Placement, _ reading: Reading) throws -> RoundOutcome {
        guard var sequence = sequences[request] else { throw EngineError.unknownSequence(request) }
        let features = features(of: placement, position: sequence.cache.length, path: reading.verdict?.path ?? [])
        sequence.cache.commit(placement.pending)
        let scores = reading.logProbabilities
        guard let tree = placement.tree, let verdict = reading.verdict else {
            sequence.cache.share(sequence.tokens)
            return .prefilled(
                count: placement.pending,
                reused: placement.reused,
                logProbabilities: scores,
                features: features
            )
        }
        let base = sequence.tokens.count
        sequence.cache.keep(verdict.path.map { base + $0 }, committing: verdict.path.count)
        sequence.tokens += verdict.tokens
        sequence.cache.share(sequence.tokens)
        sequences[request] = sequence
        return .verified(
            tree.proposed(verdict),
            logProbabilities: scores,
            dropped: tree.dropped,
            features: features
        )
    }

    /// The features of what a round has computed of the base, and of an accepted path below it; nil if nobody reads
    /// any.
    ///
    /// - Parameter position: of the first token that the round computed.
    private func features(of placement: Placement, position: Int, path: [NodeIndex]) -> FeatureBlock? {
        guard let features else { return nil }
        var block = FeatureBlock(position: position, taps: features.taps, width: features.width)
        for row in Round.committedRows(base: placement.pending, path: path) {
            block.append(row: features.row(placement.firstRow + row))
        }
        return block
    }
}

/// A pass that asks for the impossible.
package enum EngineError: Error, Equatable, CustomStringConvertible {
    case unknownSequence(RequestID)
    case prefillBeyondBase(RequestID)
    case illegalToken(RequestID, Token)

    package var description: String {
        switch self {
        case .unknownSequence(let request): "\(request) is not open at the engine; submit it again"
        case .illegalToken(let request, let token):
            "\(request) goes on behind token \(token), which its grammar does not allow; submit it without that"
        case .prefillBeyondBase(let request): "\(request) was to prefill more tokens than it has; submit it again"
        }
    }
}
