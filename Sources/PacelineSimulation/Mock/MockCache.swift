import PacelineCluster
import PacelineModel
import PacelineSpeculation
import PacelineTensor

/// The pages of a mock engine: those of production, with notes in place of keys and values.
struct MockPages {
    private let pool: KVPagePool
    /// Which caches have computed a prefix that pages hold, by the hash of the prefix.
    private let origins = Origins()

    fileprivate final class Origins {
        var scopes: [BaseHash: Set<PrefixScope>] = [:]
    }

    /// - Parameter cacheCapacity: tokens that all sequences may hold together.
    init(cacheCapacity: Int) {
        // Beside the tokens, room for partly empty last pages and for trees.
        let slots = cacheCapacity + 8 * (2 * KVPage.slots + TreeLimits().nodes)
        pool = KVPagePool(shape: KVShape(layers: 1, heads: 1, headDimension: 16), slots: slots)
    }

    func cache(for opening: Pass.Opening) -> MockCache {
        MockCache(KVCache(pool: pool, scope: opening.scope), scope: opening.scope, origins: origins)
    }
}

/// The cache of one sequence, as an engine of production uses it.
///
/// In each slot stands the hash of all tokens up to the slot's own, which is what a model's keys and values depend on.
/// So a row that was not moved, was left from a rejected token or was written by another sequence is found out.
struct MockCache {
    private let cache: KVCache
    private let scope: PrefixScope
    private let origins: MockPages.Origins

    fileprivate init(_ cache: KVCache, scope: PrefixScope, origins: MockPages.Origins) {
        (self.cache, self.scope, self.origins) = (cache, scope, origins)
    }

    /// Takes over pages that others have computed.
    ///
    /// - Parameters: as those of ``KVCache/adopt(_:limit:)``.
    func adopt(_ tokens: [Token], limit: Int) -> Int {
        cache.adopt(tokens, limit: limit)
    }

    /// Computes the next `count` tokens of a base.
    func prefill(_ count: Int, of base: [Token]) throws {
        let start = cache.length
        // What was adopted must be somebody's who may share it.
        try check(base)
        try cache.reserve(start + count)
        var hash = BaseHash(base.prefix(start))
        for slot in start..<start + count {
            hash.append(base[slot])
            write(hash, slot)
        }
        cache.commit(count)
        share(base)
    }

    /// Computes the last token of a base and a tree below it, and follows the verdict.
    func verify(_ tree: TokenTree, _ verdict: Verdict, after base: [Token]) throws {
        try cache.reserve(base.count + tree.count)
        let last = BaseHash(base)
        write(last, base.count - 1)
        var hashes: [BaseHash] = []
        for node in tree.indices {
            var hash = tree.parent(of: node).map { hashes[$0] } ?? last
            hash.append(tree.token(of: node))
            hashes.append(hash)
            write(hash, base.count + node)
        }
        cache.commit(1)
        cache.keep(verdict.path.map { base.count + $0 }, committing: verdict.path.count)
        let tokens = base + verdict.tokens
        guard cache.length == tokens.count - 1 else {
            throw MockTarget.Misuse("the cache holds \(cache.length) tokens, and \(tokens.count) are committed")
        }
        share(tokens)
        try check(tokens)
    }

    private func share(_ tokens: [Token]) {
        cache.share(tokens)
        var hash = BaseHash()
        for (place, token) in tokens.prefix(cache.length).enumerated() {
            hash.append(token)
            if (place + 1) % KVPage.slots == 0 { origins.scopes[hash, default: []].insert(scope) }
        }
    }

    /// Every slot holds what a computation of its own would have put there, in a page that the sequence may know.
    private func check(_ tokens: [Token]) throws {
        var hash = BaseHash()
        for slot in 0..<cache.length {
            hash.append(tokens[slot])
            guard read(slot) == hash else {
                throw MockTarget.Misuse("slot \(slot) of \(cache.length) holds the keys of another prefix")
            }
            let isFull = (slot + 1) % KVPage.slots == 0
            if isFull, let known = origins.scopes[hash], !known.contains(scope) {
                throw MockTarget.Misuse("a page of \(known) was shared with \(scope)")
            }
        }
    }

    private func write(_ hash: BaseHash, _ slot: Int) {
        let words = (0..<4).map { UInt16(truncatingIfNeeded: hash.rawValue >> (16 * UInt64($0))) }
        cache.page(toWrite: slot).note(words, inSlot: slot % KVPage.slots)
    }

    private func read(_ slot: Int) -> BaseHash {
        let words = cache.pages[slot / KVPage.slots].notes(4, inSlot: slot % KVPage.slots)
        return BaseHash(rawValue: words.reversed().reduce(0) { $0 << 16 | UInt64($1) })
    }
}
