import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineModel

@Suite("Prefix index")
struct PrefixIndexTests {
    typealias Index = PrefixIndex<Int>

    /// Inserts a chain of pages numbered from `first`, one for each element of `pages`, and releases it.
    static func enter(_ pages: [[Token]], first: Int, _ index: inout Index) {
        var chain: [Index.Entry] = []
        for (offset, tokens) in pages.enumerated() {
            let known = index.use(tokens, after: chain.last)?.entry
            chain.append(known ?? index.insert(first + offset, tokens, after: chain.last))
        }
        index.release(chain)
    }

    @Test("A page is found only after its own parent")
    func chained() throws {
        var index = Index()
        Self.enter([[1, 2], [3, 4]], first: 0, &index)
        Self.enter([[5, 6], [3, 4]], first: 10, &index)
        let parentless = index.use([3, 4], after: nil)
        #expect(parentless == nil)
        let found = index.use([5, 6], after: nil)
        let first = try #require(found)
        let second = index.use([3, 4], after: first.entry)
        #expect(second?.page == 11)
        let unknown = index.use([3, 5], after: first.entry)
        #expect(unknown == nil)
    }

    @Test("The least recently used page is evicted first, and within a chain the deepest")
    func order() {
        var index = Index()
        Self.enter([[1], [2], [3]], first: 0, &index)
        Self.enter([[7]], first: 10, &index)
        Self.enter([[1], [2]], first: 20, &index)
        let evicted = (0..<5).map { _ in index.evict() }
        #expect(evicted == [2, 10, 1, 0, nil])
        #expect(index.count == 0)
    }

    @Test("A page in use is not evicted, and a page is not found once its parent was evicted")
    func users() throws {
        var index = Index()
        let chain = Self.insert([1, 2], &index)
        let none = index.evict()
        #expect(none == nil)
        index.release(chain)
        let found = index.use([1], after: nil)
        let again = try #require(found)
        #expect(again.entry == chain[0])
        let evicted = [index.evict(), index.evict()]
        #expect(evicted == [2, nil])
        index.release([again.entry])
        let last = index.evict()
        #expect(last == 1)
        let other = Self.insert([1], &index)
        #expect(other[0] != chain[0])
        let orphan = index.use([2], after: other[0])
        #expect(orphan == nil)
    }

    /// Inserts a chain of pages that each hold one token, their own number, and keeps it in use.
    static func insert(_ pages: [Int], _ index: inout Index) -> [Index.Entry] {
        pages.reduce(into: []) { chain, page in
            chain.append(index.insert(page, [Token(page)], after: chain.last))
        }
    }

    @Test("The index agrees with a list of prefixes in what it finds and in what it evicts")
    func model() {
        var random = SplitMix(seed: 3)
        var index = Index()
        /// Prefixes in order of last use, oldest first.
        var known: [[Token]] = []
        for step in 0..<3_000 {
            let path = (0..<Int.random(in: 1...4, using: &random)).map { _ in Token.random(in: 0..<3, using: &random) }
            let prefixes = path.indices.map { Array(path[...$0]) }
            var chain: [Index.Entry] = []
            for prefix in prefixes {
                let found = index.use([prefix[prefix.count - 1]], after: chain.last)
                #expect((found != nil) == known.contains(prefix))
                chain.append(found?.entry ?? index.insert(step, [prefix[prefix.count - 1]], after: chain.last))
            }
            index.release(chain)
            known.removeAll { prefixes.contains($0) }
            known += prefixes.reversed()
            if known.count > 12 || Bool.random(using: &random) {
                let evicted = index.evict()
                #expect(evicted != nil)
                known.removeFirst()
            }
            #expect(index.count == known.count)
        }
    }
}
