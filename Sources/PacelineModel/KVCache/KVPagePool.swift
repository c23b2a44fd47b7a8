package import PacelineTensor
import Synchronization

/// Hands out the KV pages of one model, up to a limit, and takes back those that nobody refers to any more.
package final class KVPagePool: Sendable {
    package let shape: KVShape
    /// The most pages that exist at a time.
    package let capacity: Int
    private let free = Mutex<(pages: [KVPage], made: Int)>(([], 0))

    /// - Parameter slots: how many tokens all caches of this pool may hold together.
    package init(shape: KVShape, slots: Int) {
        self.shape = shape
        capacity = (slots + KVPage.slots - 1) / KVPage.slots
    }

    /// Bytes that the pool takes when it is full.
    package var bytesWhenFull: Int { capacity * shape.pageBytes }

    package func take() throws(KVCacheError) -> KVPage {
        let page = free.withLock { free -> KVPage?? in
            if let page = free.pages.popLast() { return .some(page) }
            guard free.made < capacity else { return nil }
            free.made += 1
            return .some(nil)
        }
        guard let page else { throw KVCacheError.full(slots: capacity * KVPage.slots) }
        return page ?? KVPage(shape: shape)
    }

    package func give(back pages: some Sequence<KVPage>) {
        free.withLock { $0.pages.append(contentsOf: pages) }
    }
}

/// Why a KV cache cannot hold more.
package enum KVCacheError: Error, Equatable, CustomStringConvertible {
    case full(slots: Int)

    package var description: String {
        switch self {
        case .full(let slots):
            "the key/value cache is full: it holds \(slots) tokens; allow more with --context, or run fewer requests at once"
        }
    }
}
