package import PacelineSpeculation
package import PacelineTensor
import Synchronization

/// Hands out the KV pages of one model, up to a limit, and takes back those that nobody refers to any more.
///
/// Full pages can be entered in an index by their tokens and are then shared, unchanged, by all sequences that begin
/// with these. They stay there when the last sequence goes, until their room is needed.
package final class KVPagePool: Sendable {
    package typealias Entry = PrefixIndex<KVPage>.Entry

    private struct State {
        var free: [KVPage] = []
        /// Pages that exist: free, held by one cache, or in the index.
        var made = 0
        var index = PrefixIndex<KVPage>()
    }

    package let shape: KVShape
    /// The most pages that exist at a time.
    package let capacity: Int
    private let state = Mutex(State())

    /// - Parameter slots: how many tokens all caches of this pool may hold together.
    package init(shape: KVShape, slots: Int) {
        self.shape = shape
        capacity = (slots + KVPage.slots - 1) / KVPage.slots
    }

    /// Bytes that the pool takes when it is full.
    package var bytesWhenFull: Int { capacity.multipliedClamped(by: shape.pageBytes) }

    /// Pages in the index, used or not.
    package var indexedPages: Int { state.withLock { $0.index.count } }

    /// A page for one cache alone: a free one, else a new one, else the shared one that was not used for longest.
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

    /// Takes back pages of one cache alone.
    package func give(back pages: some Sequence<KVPage>) {
        state.withLock { $0.free.append(contentsOf: pages) }
    }

    // MARK: Shared pages

    /// The shared page that holds `tokens` behind the page of `parent`, if there is one, until it is released.
    package func use(_ tokens: some Collection<Token>, after parent: Entry?) -> (entry: Entry, page: KVPage)? {
        state.withLock { $0.index.use(tokens, after: parent) }
    }

    /// Makes a full page of a cache a shared one, which nobody writes any more.
    ///
    /// - Returns: its entry, in use until released, and the page that is shared: another one with the same contents if
    ///   such a page was entered before, in which case `page` is taken back.
    package func share(
        _ page: KVPage,
        _ tokens: some Collection<Token>,
        after parent: Entry?
    ) -> (entry: Entry, page: KVPage) {
        state.withLock { state in
            if let known = state.index.use(tokens, after: parent) {
                state.free.append(page)
                return known
            }
            return (state.index.insert(page, tokens, after: parent), page)
        }
    }

    /// Lets go of shared pages, each of which follows the one before it.
    package func release(_ chain: some BidirectionalCollection<Entry>) {
        state.withLock { $0.index.release(chain) }
    }
}

/// Why a KV cache cannot hold more.
package enum KVCacheError: Error, Equatable, CustomStringConvertible {
    case full(slots: Int)
    case outOfMemory(bytes: Int)

    package var description: String {
        switch self {
        case .full(let slots):
            "the key/value cache is full: it holds \(slots) tokens; allow more with --context, "
                + "or run fewer requests at once"
        case .outOfMemory(let bytes):
            "the system has no memory for \(bytes) more bytes of keys and values; run fewer requests at once, or use "
                + "--kv-type int8"
        }
    }
}

extension ModelConfiguration {
    /// The shape of the KV caches that this model needs.
    package func cacheShape(_ type: KVType) -> KVShape {
        KVShape(layers: blockCount, heads: keyValueHeadCount, headDimension: headDimension, type: type)
    }
}
