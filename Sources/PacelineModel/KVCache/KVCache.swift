package import PacelineSpeculation
package import PacelineTensor

/// The keys and values of one sequence, in pages.
///
/// Slots 0 ..< ``length`` hold the committed tokens in order. A pass may use the slots from ``length`` on for drafted
/// tokens. ``keep(_:committing:)`` commits those of an accepted path; the others are simply forgotten. Caches of one
/// pool can share full pages without changing a bit, because keys and values depend only on the tokens up to them. One
/// thread uses a cache at a time.
package final class KVCache {
    package private(set) var length = 0
    package private(set) var pages: [KVPage] = []
    /// The entries of the shared pages, which come first. They lie below ``length`` and are never written.
    private var shared: [KVPagePool.Entry] = []
    private let pool: KVPagePool
    private let scope: PrefixScope

    /// - Parameter scope: which other caches of the pool may share its pages.
    package init(pool: KVPagePool, scope: PrefixScope = .common) {
        self.pool = pool
        self.scope = scope
    }

    deinit {
        pool.give(back: PlantedBug.sharedPageFreedEarly.isPlanted ? pages[...] : pages[shared.count...])
        pool.release(shared)
    }

    /// Makes sure that slots 0 ..< `slots` exist.
    package func reserve(_ slots: Int) throws(KVCacheError) {
        while pages.count * KVPage.slots < slots { pages.append(try pool.take()) }
    }

    /// The page to write the token of `slot` to.
    package func page(toWrite slot: Int) -> KVPage {
        let number = slot / KVPage.slots
        precondition(number >= shared.count, "shared pages must not be written")
        return pages[number]
    }

    /// Commits the next `count` slots, which a pass has filled in order.
    package func commit(_ count: Int) {
        precondition(length + count <= pages.count * KVPage.slots, "cannot commit slots that do not exist")
        length += count
    }

    /// Moves the given slots to length, length + 1, … and commits the first `committed` of them.
    ///
    /// - Parameter slots: ascending slots from ``length`` on. All others are forgotten.
    package func keep(_ slots: [Int], committing committed: Int) {
        precondition(committed <= slots.count)
        for (offset, slot) in slots.enumerated() {
            let target = length + offset
            precondition(slot >= target, "kept slots must be ascending and uncommitted")
            if slot != target, !PlantedBug.acceptedRowsNotMoved.isPlanted { copy(slot: slot, to: target) }
        }
        let extra = PlantedBug.rejectedRowsKept.isPlanted && length + committed < pages.count * KVPage.slots ? 1 : 0
        commit(committed + extra)
        trim(length + slots.count - committed)
    }

    /// Forgets everything from slot `slots` on. Forgets all of a shared page if part of it would remain.
    package func truncate(to slots: Int) {
        precondition(slots <= length)
        let whole = slots / KVPage.slots
        length = whole < shared.count ? whole * KVPage.slots : slots
        trim(length)
    }

    // MARK: Sharing

    /// Commits the next tokens without computing them, for as many whole pages as the pool shares.
    ///
    /// - Parameters:
    ///   - tokens: all tokens of the sequence; this cache holds the first ``length``.
    ///   - limit: the largest ``length`` to reach.
    /// - Returns: the number of tokens added.
    package func adopt(_ tokens: [Token], limit: Int) -> Int {
        let before = length
        while length == shared.count * KVPage.slots, length + KVPage.slots <= min(limit, tokens.count) {
            let next = tokens[length..<(length + KVPage.slots)]
            guard let (entry, page) = pool.use(next, after: shared.last, in: scope) else { break }
            if shared.count < pages.count {
                pool.give(back: CollectionOfOne(pages[shared.count]))
                pages[shared.count] = page
            } else {
                pages.append(page)
            }
            shared.append(entry)
            length += KVPage.slots
        }
        return length - before
    }

    /// Shares all pages that are full of committed tokens.
    ///
    /// - Parameter tokens: the sequence's tokens, at least all committed ones.
    package func share(_ tokens: [Token]) {
        while (shared.count + 1) * KVPage.slots <= length {
            let number = shared.count
            let own = tokens[(number * KVPage.slots)..<((number + 1) * KVPage.slots)]
            let (entry, page) = pool.share(pages[number], own, after: shared.last, in: scope)
            pages[number] = page
            shared.append(entry)
        }
    }

    // MARK: Pages

    /// Returns the pages that hold only slots from `slots` on to the pool.
    private func trim(_ slots: Int) {
        let needed = (slots + KVPage.slots - 1) / KVPage.slots
        guard needed < pages.count else { return }
        pool.give(back: pages[max(needed, shared.count)...])
        pages.removeSubrange(needed...)
        guard needed < shared.count else { return }
        pool.release(shared[needed...])
        shared.removeSubrange(needed...)
    }

    private func copy(slot: Int, to target: Int) {
        page(toWrite: target).copySlot(
            target % KVPage.slots,
            from: pages[slot / KVPage.slots],
            slot: slot % KVPage.slots
        )
    }
}
