package import PacelineSpeculation
import PacelineTensor

/// Drafts with a small language model that shares the target's vocabulary.
///
/// It samples from its own logits with the target's noise, so it agrees far more often than an independent sample would
/// (arXiv 2408.07978). A node's children are its k largest perturbed logits. Every node it has run keeps a slot of the
/// KV cache; re-rooting keeps the slots of surviving nodes.
///
/// Its output head may be trimmed (``LogitColumns``). It then never proposes a token without a column, and its
/// probabilities are relative to the tokens that have one.
///
/// A constraint masks its logits as it masks the target's, so it proposes legal tokens only.
package final class ModelDrafter: Drafter {
    /// Prompt tokens per pass, at most.
    private static let prefillChunk = 256

    private let transformer: Transformer
    private let cache: KVCache
    private var sampler: Sampler
    private var base: [Token] = []
    /// The cache slot of each tree node that has been run, by node index. The parent of a run node has been run too.
    private var slots: [Int?] = []
    private var nextSlot = 0
    private let compiler: ConstraintCompiler?
    /// Nil if every text is legal.
    private var text: ConstrainedText?

    /// - Parameters:
    ///   - transformer: may be shared with other drafters of the same thread.
    ///   - pool: the source of KV pages, of shape `transformer.cacheShape`.
    ///   - compiler: nil if constraints make no difference to the drafter.
    package init(transformer: Transformer, pool: KVPagePool, compiler: ConstraintCompiler? = nil) {
        self.transformer = transformer
        self.compiler = compiler
        cache = KVCache(pool: pool)
        sampler = Sampler(parameters: .greedy, columns: transformer.weights.columns)
    }

    package var isModelFree: Bool { false }

    package func begin(base: [Token], sampling: SamplingParameters) throws {
        try begin(base: base, sampling: sampling, constraint: nil)
    }

    package func begin(base: [Token], sampling: SamplingParameters, constraint: DraftConstraint?) throws {
        text = compiler?.text(constraint)
        text?.append(base)
        let shared = zip(base, self.base.prefix(cache.length)).prefix { $0 == $1 }.count
        cache.truncate(to: min(shared, cache.length))
        self.base = base
        slots = []
        nextSlot = base.count
        sampler = Sampler(parameters: sampling, columns: transformer.weights.columns, isa: transformer.compute.isa)
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        let limit = transformer.configuration.contextLength
        let legal = nodes.map { text?.legalTokens(behind: tree.tokens(onPathTo: $0)) ?? .all }
        let reachable = zip(nodes, legal)
            .filter { node, legal in base.count + tree.depth(of: node) < limit && !legal.isEmpty }
            .map(\.0)
        guard !reachable.isEmpty else { return nodes.map { _ in [] } }
        let (pass, logits) = try run(reachable, of: tree)
        return try zip(nodes, legal).map { node, legal in
            guard let row = node.map({ pass.nodeLogits[$0] }) ?? pass.baseLogits else { return [] }
            let context = base + tree.tokens(onPathTo: node)
            return try sampler.candidates(
                logits,
                row: row,
                position: context.count,
                recent: context.suffix(sampler.recentLength),
                count: width,
                legal: legal
            )
        }
    }

    package func advance(_ rerooting: Rerooting) throws {
        let run = rerooting.path.map { slot(of: $0) }.prefix { $0 != nil }.compactMap(\.self)
        let survivors = rerooting.kept.enumerated()
            .compactMap { new, old in slot(of: old).map { (slot: $0, node: new) } }
            .sorted { $0.slot < $1.slot }
        base.append(contentsOf: rerooting.committed)
        text?.append(rerooting.committed)
        slots = [Int?](repeating: nil, count: rerooting.kept.count)
        guard cache.length + run.count >= base.count || survivors.isEmpty else {
            preconditionFailure("nodes survive below base tokens that have not been run")
        }
        if !run.isEmpty || !survivors.isEmpty {
            cache.keep(run + survivors.map(\.slot), committing: run.count)
        }
        for (offset, survivor) in survivors.enumerated() { slots[survivor.node] = cache.length + offset }
        nextSlot = base.count + survivors.count
    }

    // MARK: Running the model

    private func run(_ nodes: [NodeIndex?], of tree: TokenTree) throws -> (DraftPass, FloatMatrix) {
        try prefill()
        let pass = try rows(for: nodes, of: tree)
        let logits = transformer.forward(pass.rows)
        cache.commit(pass.committed)
        return (pass, logits)
    }

    /// Runs base tokens in chunks until at most ``prefillChunk`` are left.
    private func prefill() throws {
        while base.count - cache.length > Self.prefillChunk {
            let range = cache.length..<(cache.length + Self.prefillChunk)
            try cache.reserve(range.upperBound)
            transformer.forward(
                range.map { .committed(base[$0], position: $0, cache: cache, wantsLogits: false) }
            )
            cache.commit(range.count)
        }
    }

    /// The rows of one pass, and where its logits are.
    private struct DraftPass {
        var rows: [PassRow] = []
        /// The row of the logits for the base; nil if it was not requested.
        var baseLogits: Int?
        /// The row of the logits for each requested node.
        var nodeLogits: [NodeIndex: Int] = [:]
        /// How many base tokens the pass adds to the cache.
        var committed = 0
    }

    private func rows(for nodes: [NodeIndex?], of tree: TokenTree) throws -> DraftPass {
        var pass = DraftPass()
        if slots.count < tree.count { slots += [Int?](repeating: nil, count: tree.count - slots.count) }
        pass.committed = base.count - cache.length
        let first = nodes.contains(nil) ? min(cache.length, base.count - 1) : cache.length
        for position in first..<base.count {
            let isLast = position == base.count - 1 && nodes.contains(nil)
            pass.rows.append(.committed(base[position], position: position, cache: cache, wantsLogits: isLast))
            if isLast { pass.baseLogits = 0 }
        }
        nextSlot = max(nextSlot, base.count)
        for case let node? in nodes {
            addRows(for: node, of: tree, to: &pass)
        }
        try cache.reserve(nextSlot)
        return pass
    }

    /// Adds a row for `node` and one for each ancestor that has not been run.
    private func addRows(for node: NodeIndex, of tree: TokenTree, to pass: inout DraftPass) {
        let path = tree.path(to: node)
        for (depth, step) in path.enumerated() where slots[step] == nil || step == node {
            guard pass.nodeLogits[step] == nil else { continue }
            if slots[step] == nil {
                slots[step] = nextSlot
                nextSlot += 1
            }
            let isWanted = step == node
            if isWanted { pass.nodeLogits[step] = (pass.baseLogits == nil ? 0 : 1) + pass.nodeLogits.count }
            guard let slot = slots[step] else { continue }
            pass.rows.append(
                PassRow(
                    token: tree.token(of: step),
                    position: base.count + depth,
                    cache: cache,
                    slot: slot,
                    base: base.count,
                    path: path[...depth].compactMap { slots[$0] },
                    wantsLogits: isWanted
                )
            )
        }
    }

    private func slot(of node: NodeIndex) -> Int? {
        node < slots.count ? slots[node] : nil
    }
}

extension ModelDrafter: DistributionDrafter {
    package var contextLength: Int { transformer.configuration.contextLength }

    package func law(_ tree: TokenTree, after node: NodeIndex?) throws -> TokenDistribution {
        let (pass, logits) = try run([node], of: tree)
        let context = base + tree.tokens(onPathTo: node)
        return try sampler.distribution(
            logits,
            row: node.flatMap { pass.nodeLogits[$0] } ?? pass.baseLogits ?? 0,
            position: context.count,
            recent: context.suffix(sampler.recentLength)
        )
    }
}
