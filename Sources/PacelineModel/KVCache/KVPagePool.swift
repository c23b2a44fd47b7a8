package import PacelineSpeculation
package import PacelineTensor
import Synchronization

/// Hands out the KV pages of one model, up to a limit, and takes back pages that are no longer used.
///
/// An index of full pages by their tokens lets all sequences that begin with these tokens share a page. Indexed pages
/// stay after the last sequence ends, until their memory is needed.
package final class KVPagePool: Sendable {
    package typealias Entry = PrefixIndex<KVPage>.Entry

    private struct State {
        var free: [KVPage] = []
        /// Number of pages that exist: free, held by one cache, or in the index.
        var made = 0
        var index = PrefixIndex<KVPage>()
    }

    package let shape: KVShape
    /// The most pages that can exist at once.
    package let capacity: Int
    private let state = Mutex(State())

    /// - Parameter slots: the number of tokens that all caches of this pool may hold together.
    package init(shape: KVShape, slots: Int) {
        self.shape = shape
        capacity = (slots + KVPage.slots - 1) / KVPage.slots
    }

    /// Size of all pages when the pool is full, in bytes.
    package var bytesWhenFull: Int { capacity.multipliedClamped(by: shape.pageBytes) }

    /// Number of pages in the index, in use or not.
    package var indexedPages: Int { state.withLock { $0.index.count } }

    /// How full the pool is at this moment.
    package var usage: KVPageUsage {
        state.withLock { state in
            KVPageUsage(used: state.made - state.free.count - state.index.unusedCount, capacity: capacity)
        }
    }

    /// Takes a page for one cache alone: a free one, or a new one, or else the least recently used indexed page.
    package func take() throws(KVCacheError) -> KVPage {
        try state.withLock { state throws(KVCacheError) in
            if state.free.isEmpty, state.made < capacity { try makePages(&state) }
            if let page = state.free.popLast() ?? state.index.evict() { return page }
            throw .full(slots: capacity * KVPage.slots)
        }
    }

    private func makePages(_ state: inout State) throws(KVCacheError) {
        guard let pages = KVPage.slab(shape: shape, limit: capacity - state.made) else {
            throw .outOfMemory(bytes: shape.pageBytes)
        }
        state.made += pages.count
        state.free = pages.reversed()
    }

    /// Takes back pages that one cache alone held.
    package func give(back pages: some Sequence<KVPage>) {
        state.withLock { $0.free.append(contentsOf: pages) }
    }

    // MARK: Shared pages

    /// Finds the shared page that holds `tokens` after the page of `parent`; keeps it in use until it is released.
    package func use(
        _ tokens: some Collection<Token>,
        after parent: Entry?,
        in scope: PrefixScope
    ) -> (entry: Entry, page: KVPage)? {
        state.withLock { $0.index.use(tokens, after: parent, in: scope) }
    }

    /// Shares a full page of a cache. Nobody may write to it from now on.
    ///
    /// - Returns: the entry, in use until released, and the shared page. If the index already had a page with these
    ///   tokens, that page is returned and `page` is taken back.
    package func share(
        _ page: KVPage,
        _ tokens: some Collection<Token>,
        after parent: Entry?,
        in scope: PrefixScope
    ) -> (entry: Entry, page: KVPage) {
        state.withLock { state in
            if let known = state.index.use(tokens, after: parent, in: scope) {
                state.free.append(page)
                return known
            }
            return (state.index.insert(page, tokens, after: parent, in: scope), page)
        }
    }

    /// Releases shared pages, each of which is the parent of the next.
    package func release(_ chain: some BidirectionalCollection<Entry>) {
        state.withLock { $0.index.release(chain) }
    }
}

/// How many pages of keys and values are taken.
package struct KVPageUsage: Sendable, Equatable {
    /// Pages that some sequence holds. Pages that are only kept in case a prefix comes again do not count.
    package var used: Int
    package var capacity: Int

    package init(used: Int, capacity: Int) {
        (self.used, self.capacity) = (used, capacity)
    }

    /// Tokens of a page.
    package static var tokensPerPage: Int { KVPage.slots }

    /// The share of pages that are taken, 0 … 1.
    package var fraction: Double { capacity > 0 ? Double(used) / Double(capacity) : 0 }
}

/// Why a KV cache cannot hold more.
package enum KVCacheError: Error, Equatable, CustomStringConvertible {
    case full(slots: Int)
    case outOfMemory(bytes: Int)

    package var description: String {
        switch self {
        case .full(let slots):
            "the key/value cache is full at \(slots) tokens; allow more with --context, "
                + "or run fewer requests at once"
        case .outOfMemory(let bytes):
            "the system has no memory for another \(bytes) bytes of keys and values; run fewer requests at once, or "
                + "use --kv-type int8"
        }
    }
}

extension ModelConfiguration {
    /// The shape of the KV caches that this model needs.
    package func cacheShape(_ type: KVType) -> KVShape {
        KVShape(layers: blockCount, heads: keyValueHeadCount, headDimension: headDimension, type: type)
    }
}
