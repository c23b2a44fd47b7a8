package import PacelineModel
import PacelineSpeculation
package import PacelineTensor

/// The target engine of production: a transformer over a paged KV cache.
package final class TransformerEngine: TargetEngine {
    private struct EngineSequence {
        let cache: KVCache
        let sampler: Sampler
        /// All committed tokens; the cache holds the first `cache.length` of them.
        var tokens: [Token]
    }

    /// Where the rows of a round lie in a pass.
    private struct Placement {
        /// Tokens of the base that the pass computes.
        var pending: Int
        /// Tokens of the base that another sequence had computed.
        var reused: Int
        /// What is decided about; nil for a prefill.
        var tree: TokenTree?
        /// The row of the logits that belongs to the base; its nodes follow.
        var logitRow: Int
    }

    private let transformer: Transformer
    private let pool: KVPagePool
    private let rule = SampleMatch()
    private var sequences: [RequestID: EngineSequence] = [:]

    /// - Parameters:
    ///   - transformer: used by this engine alone.
    ///   - cacheCapacity: tokens that all sequences may hold together; drafted nodes get room beside them.
    ///   - sequences: the most sequences that are open at a time.
    package init(transformer: Transformer, cacheCapacity: Int, sequences: Int) {
        self.transformer = transformer
        let slots = Self.slots(cacheCapacity: cacheCapacity, sequences: sequences)
        pool = KVPagePool(shape: transformer.cacheShape, slots: slots)
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
            cacheType: cacheType
        )
    }

    package func open(_ opening: Pass.Opening) throws {
        sequences[opening.request] = EngineSequence(
            cache: KVCache(pool: pool),
            sampler: Sampler(
                parameters: opening.sampling,
                columns: transformer.weights.columns,
                mask: opening.mask,
                isa: transformer.compute.isa
            ),
            tokens: opening.base
        )
    }

    package func close(_ request: RequestID) {
        sequences[request] = nil
    }

    package func run(_ rounds: [Round], progress: ComputeProgress) throws -> [RoundOutcome] {
        transformer.onProgress = { progress.advance() }
        var rows: [PassRow] = []
        var logitRows = 0
        let placements = rounds.map { round in
            Result { try place(round, rows: &rows, logitRows: &logitRows) }
        }
        let logits = transformer.forward(rows)
        return zip(rounds, placements).map { round, placement in
            switch placement {
            case .success(let placement): finish(round.request, placement, logits: logits)
            case .failure(let error): .failed(reason: "\(error)")
            }
        }
    }

    /// Adds the rows of a round to the pass.
    private func place(_ round: Round, rows: inout [PassRow], logitRows: inout Int) throws -> Placement {
        guard let sequence = sequences[round.request] else { throw EngineError.unknownSequence(round.request) }
        let cache = sequence.cache
        switch round.work {
        case .prefill(let count):
            // The last token is left to the round that decides about the next one.
            let last = sequence.tokens.count - 1
            guard cache.length + count <= last else { throw EngineError.prefillBeyondBase(round.request) }
            let reused = cache.adopt(sequence.tokens, limit: last)
            let end = min(cache.length + count, last)
            try cache.reserve(end)
            rows += committedRows(sequence, upTo: end, wantingLast: false)
            return Placement(pending: end - cache.length, reused: reused, tree: nil, logitRow: logitRows)
        case .verify(let proposed):
            let reused = cache.adopt(sequence.tokens, limit: sequence.tokens.count - 1)
            let tree = try reserve(for: proposed, of: sequence)
            let placement = Placement(
                pending: sequence.tokens.count - cache.length,
                reused: reused,
                tree: tree,
                logitRow: logitRows
            )
            rows += committedRows(sequence, upTo: sequence.tokens.count, wantingLast: true)
            rows += nodeRows(tree, of: sequence)
            logitRows += 1 + tree.count
            return placement
        }
    }

    /// Makes room for a tree, or for an empty one if there is no room: that costs speed only.
    private func reserve(for tree: TokenTree, of sequence: EngineSequence) throws -> TokenTree {
        do {
            try sequence.cache.reserve(sequence.tokens.count + tree.count)
            return tree
        } catch {
            try sequence.cache.reserve(sequence.tokens.count)
            return TokenTree(limits: tree.limits)
        }
    }

    private func committedRows(_ sequence: EngineSequence, upTo end: Int, wantingLast: Bool) -> [PassRow] {
        (sequence.cache.length..<end).map { position in
            .committed(
                sequence.tokens[position],
                position: position,
                cache: sequence.cache,
                wantsLogits: wantingLast && position == end - 1
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
                wantsLogits: true
            )
        }
    }

    private func finish(_ request: RequestID, _ placement: Placement, logits: FloatMatrix) -> RoundOutcome {
        guard var sequence = sequences[request] else {
            return .failed(reason: "\(EngineError.unknownSequence(request))")
        }
        sequence.cache.commit(placement.pending)
        guard let tree = placement.tree else {
            sequence.cache.share(sequence.tokens)
            return .prefilled(count: placement.pending, reused: placement.reused)
        }
        let base = sequence.tokens
        let verdict: Verdict
        do {
            verdict = try self.verdict(on: tree, of: sequence, logits: logits, firstRow: placement.logitRow)
        } catch {
            return .failed(reason: "\(error)")
        }
        sequence.cache.keep(verdict.path.map { base.count + $0 }, committing: verdict.path.count)
        sequence.tokens += verdict.tokens
        sequence.cache.share(sequence.tokens)
        sequences[request] = sequence
        return .verified(verdict)
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
    ) throws(LogitError) -> Verdict {
        let (base, recentLength) = (sequence.tokens, sequence.sampler.recentLength)
        var decided: [Token] = []
        do throws(LogitError) {
            return try rule.verdict(on: tree) { node throws(LogitError) in
                let recent = recentLength == 0 ? [] : base + tree.tokens(onPathTo: node)
                let token = try sequence.sampler.nextToken(
                    logits,
                    row: firstRow + (node.map { $0 + 1 } ?? 0),
                    position: base.count + tree.depth(of: node),
                    recent: recent.suffix(recentLength)
                )
                decided.append(token)
                return token
            }
        } catch {
            guard let correction = decided.popLast() else { throw error }
            return Verdict(path: tree.descend(decided), accepted: decided, correction: correction)
        }
    }
}

/// A pass that asks for the impossible.
package enum EngineError: Error, Equatable, CustomStringConvertible {
    case unknownSequence(RequestID)
    case prefillBeyondBase(RequestID)

    package var description: String {
        switch self {
        case .unknownSequence(let request): "\(request) is not open at the engine; submit it again"
        case .prefillBeyondBase(let request): "\(request) was to prefill more tokens than it has; submit it again"
        }
    }
}
