import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineModel

@Suite("Shared KV pages")
struct SharedPagesTests {
    static let shape = KVShape(layers: 1, heads: 1, headDimension: 16)
    static let tokens: [Token] = (0..<300).map { Token(($0 * 31 + 7) % 251) }

    /// A cache that claims to have computed `tokens`.
    static func cache(
        _ pool: KVPagePool,
        _ tokens: [Token],
        scope: PrefixScope = .common
    ) throws -> KVCache {
        let cache = KVCache(pool: pool, scope: scope)
        try cache.reserve(tokens.count)
        cache.commit(tokens.count)
        cache.share(tokens)
        return cache
    }

    @Test("A sequence adopts the full pages of one with the same beginning, up to its limit")
    func adopt() throws {
        let pool = KVPagePool(shape: Self.shape, slots: 2_048)
        let first = try Self.cache(pool, Self.tokens)
        let other = KVCache(pool: pool)
        #expect(other.adopt(Array(Self.tokens.prefix(200)), limit: 199) == 192)
        #expect(zip(other.pages, first.pages).allSatisfy { $0 === $1 } && other.pages.count == 3)
        let short = KVCache(pool: pool)
        #expect(short.adopt(Array(Self.tokens.prefix(128)), limit: 127) == 64)
        var changed = Self.tokens
        changed[100] += 1
        let parted = KVCache(pool: pool)
        #expect(parted.adopt(changed, limit: 299) == 64)
    }

    @Test("A sequence adopts nothing of another scope, and equal pages of two scopes stay two")
    func scopes() throws {
        let pool = KVPagePool(shape: Self.shape, slots: 4_096)
        let scopes = [
            PrefixScope.common, PrefixScope(owner: "", salt: nil), PrefixScope(owner: "a", salt: nil),
            PrefixScope(owner: "a", salt: ""), PrefixScope(owner: "a", salt: "b"), PrefixScope(owner: nil, salt: "b"),
        ]
        var caches: [KVCache] = []
        for (number, scope) in scopes.enumerated() {
            let late = KVCache(pool: pool, scope: scope)
            #expect(late.adopt(Self.tokens, limit: 299) == 0)
            caches.append(try Self.cache(pool, Self.tokens, scope: scope))
            #expect(pool.indexedPages == 4 * (number + 1))
        }
        for (scope, cache) in zip(scopes, caches) {
            let late = KVCache(pool: pool, scope: scope)
            #expect(late.adopt(Self.tokens, limit: 299) == 256)
            #expect(zip(late.pages, cache.pages).allSatisfy { $0 === $1 })
        }
    }

    @Test("Pages outlive their sequence until their memory is needed; the least recently used are evicted first")
    func eviction() throws {
        let pool = KVPagePool(shape: Self.shape, slots: 6 * KVPage.slots)
        _ = try Self.cache(pool, Self.tokens)
        #expect(pool.indexedPages == 4)
        let greedy = KVCache(pool: pool)
        try greedy.reserve(4 * KVPage.slots)
        #expect(pool.indexedPages == 2)
        let next = KVCache(pool: pool)
        #expect(next.adopt(Self.tokens, limit: 299) == 128)
        #expect(throws: KVCacheError.full(slots: 384)) { try greedy.reserve(4 * KVPage.slots + 1) }
        #expect(next.length == 128)
    }

    @Test("Pages that are only kept for a prefix to come back do not count as used")
    func usage() throws {
        let pool = KVPagePool(shape: Self.shape, slots: 8 * KVPage.slots)
        var uses: [Int] = [pool.usage.used]
        var first: KVCache? = try Self.cache(pool, Self.tokens)
        uses.append(pool.usage.used)
        var second: KVCache? = KVCache(pool: pool)
        _ = second?.adopt(Self.tokens, limit: 299)
        uses.append(pool.usage.used)
        first = nil
        uses.append(pool.usage.used)
        second = nil
        uses.append(pool.usage.used)
        let greedy = KVCache(pool: pool)
        try greedy.reserve(8 * KVPage.slots)
        uses.append(pool.usage.used)
        #expect(uses == [0, 5, 5, 4, 0, 8] && first == nil && second == nil)
        #expect(pool.usage == KVPageUsage(used: 8, capacity: 8) && pool.usage.fraction == 1)
    }

    @Test("Equal pages of two sequences become one")
    func deduplication() throws {
        let pool = KVPagePool(shape: Self.shape, slots: 10 * KVPage.slots)
        let first = try Self.cache(pool, Self.tokens)
        let second = try Self.cache(pool, Self.tokens)
        #expect(pool.indexedPages == 4)
        #expect(zip(first.pages, second.pages).prefix(4).allSatisfy { $0 === $1 })
        #expect(first.pages[4] !== second.pages[4])
        let third = KVCache(pool: pool)
        try third.reserve(4 * KVPage.slots)
        #expect(throws: KVCacheError.full(slots: 640)) { try third.reserve(4 * KVPage.slots + 1) }
    }

    @Test("Truncating inside a shared page drops the whole page from this cache, but not from others")
    func truncation() throws {
        let pool = KVPagePool(shape: Self.shape, slots: 2_048)
        let first = try Self.cache(pool, Self.tokens)
        let second = try Self.cache(pool, Self.tokens)
        second.truncate(to: 150)
        #expect(second.length == 128 && second.pages.count == 2)
        #expect(first.pages.count == 5 && first.length == 300)
        second.truncate(to: 128)
        #expect(second.length == 128)
        let third = try Self.cache(pool, Array(Self.tokens.prefix(150)))
        third.truncate(to: 140)
        #expect(third.length == 140)
    }

    @Test("No page is lost or handed out twice as sequences come and go")
    func conservation() throws {
        var random = SplitMix(seed: 11)
        let pool = KVPagePool(shape: Self.shape, slots: 40 * KVPage.slots)
        var running: [(cache: KVCache, tokens: [Token])] = []
        for _ in 0..<2_000 {
            if running.count > 5 || (Bool.random(using: &random) && !running.isEmpty) {
                running.remove(at: .random(in: running.indices, using: &random))
                continue
            }
            var tokens = Array(Self.tokens.prefix(.random(in: 1...300, using: &random)))
            if Bool.random(using: &random) { tokens[.random(in: tokens.indices, using: &random)] += 1 }
            let cache = KVCache(pool: pool)
            _ = cache.adopt(tokens, limit: tokens.count - 1)
            try cache.reserve(tokens.count)
            cache.commit(tokens.count - cache.length)
            cache.share(tokens)
            running.append((cache, tokens))
            // Caches share a page if and only if all tokens up to its end are equal.
            for (number, page) in cache.pages.enumerated() {
                for other in running {
                    let isAlike =
                        other.cache.pages.indices.contains(number) && (number + 1) * KVPage.slots <= tokens.count
                        && (number + 1) * KVPage.slots <= other.tokens.count
                        && tokens.prefix((number + 1) * KVPage.slots).elementsEqual(
                            other.tokens.prefix((number + 1) * KVPage.slots)
                        )
                    let places = other.cache.pages.indices.filter { other.cache.pages[$0] === page }
                    #expect(places == (isAlike || other.cache === cache ? [number] : []))
                }
            }
        }
        running = []
        let all = KVCache(pool: pool)
        try all.reserve(40 * KVPage.slots)
        #expect(Set(all.pages.map(ObjectIdentifier.init)).count == 40 && pool.indexedPages == 0)
    }

    @Test("Logits after a shared prefix equal those after a computed one", arguments: [1, 2, 4], KVType.allCases)
    func bits(threads: Int, cacheType: KVType) throws {
        let transformer = try TinyModel.with(weights: .q4_0).transformer(threads: threads, cacheType: cacheType)
        let text = Array(Self.tokens.prefix(200))
        let plain = try BitIdentityTests.plain(transformer, text)
        let pool = KVPagePool(shape: transformer.cacheShape, slots: 4_096)
        let first = KVCache(pool: pool)
        try first.reserve(150)
        transformer.forward((0..<150).map { .committed(text[$0], position: $0, cache: first, wantsLogits: false) })
        first.commit(150)
        first.share(text)
        for length in [100, 129, 200] {
            let cache = KVCache(pool: pool)
            let reused = cache.adopt(text, limit: length - 1)
            #expect(reused == min(length - 1, 150) / 64 * 64)
            try cache.reserve(length)
            let rows = (reused..<length).map {
                PassRow.committed(text[$0], position: $0, cache: cache, wantsLogits: true)
            }
            let logits = transformer.forward(rows)
            for (row, position) in (reused..<length).enumerated() { #expect(logits.row(row) == plain[position]) }
        }
    }
}
