import PacelineTensor
import Testing

@testable import PacelineModel

@Suite("KV cache")
struct KVCacheTests {
    static let shape = KVShape(layers: 1, heads: 1, headDimension: 16)

    @Test("The error of a full pool states how many tokens it holds")
    func full() throws {
        let cache = KVCache(pool: KVPagePool(shape: Self.shape, slots: 100))
        try cache.reserve(128)
        #expect(throws: KVCacheError.full(slots: 128)) { try cache.reserve(129) }
    }

    @Test("A cache returns its pages when it is trimmed or deinitialised")
    func reuse() throws {
        let pool = KVPagePool(shape: Self.shape, slots: 128)
        for _ in 0..<10 {
            let cache = KVCache(pool: pool)
            try cache.reserve(128)
            cache.commit(70)
            cache.truncate(to: 10)
            #expect(cache.pages.count == 1)
        }
        let other = KVCache(pool: pool)
        try other.reserve(128)
        #expect(other.pages.count == 2)
    }

    @Test("Keeping slots commits the accepted ones and trims the rest")
    func keep() throws {
        let cache = KVCache(pool: KVPagePool(shape: Self.shape, slots: 256))
        try cache.reserve(200)
        cache.commit(60)
        cache.keep([60, 63, 150], committing: 2)
        #expect(cache.length == 62)
        #expect(cache.pages.count == 1)
    }
}
