import PacelineTensor

/// The keys and values of one sequence, in pages.
///
/// Slots 0 ..< ``length`` hold the committed tokens in order. A pass may use slots from ``length`` on for drafted tokens; rolling
/// back is forgetting them, and ``keep(_:)`` makes those of an accepted path committed. One thread uses a cache at a time.
package final class KVCache {
    package private(set) var length = 0
    private(set) var pages: [KVPage] = []
    private let pool: KVPagePool

    package init(pool: KVPagePool) {
        self.pool = pool
    }

    deinit {
        pool.give(back: pages)
    }

    /// Makes sure that slots 0 ..< `slots` exist.
    package func reserve(_ slots: Int) throws(KVCacheError) {
        while pages.count * KVPage.slots < slots { pages.append(try pool.take()) }
    }

    /// Commits the slots length ..< `length` + `count`, which a pass has filled in order.
    package func commit(_ count: Int) {
        precondition(length + count <= pages.count * KVPage.slots, "commits slots that do not exist")
        length += count
    }

    /// Moves the given slots to length, length + 1, … and commits the first `committed` of them.
    ///
    /// - Parameter slots: ascending slots from ``length`` on. The rest are forgotten.
    package func keep(_ slots: [Int], committing committed: Int) {
        precondition(committed <= slots.count)
        for (offset, slot) in slots.enumerated() {
            let target = length + offset
            precondition(slot >= target, "kept slots must be ascending and uncommitted")
            if slot != target { copy(slot: slot, to: target) }
        }
        commit(committed)
        trim(length + slots.count - committed)
    }

    /// Forgets everything from slot `slots` on.
    package func truncate(to slots: Int) {
        precondition(slots <= length)
        length = slots
        trim(slots)
    }

    /// Gives back the pages that hold only slots from `slots` on.
    private func trim(_ slots: Int) {
        let needed = (slots + KVPage.slots - 1) / KVPage.slots
        guard needed < pages.count else { return }
        pool.give(back: pages[needed...])
        pages.removeSubrange(needed...)
    }

    private func copy(slot: Int, to target: Int) {
        pages[target / KVPage.slots].copySlot(
            target % KVPage.slots,
            from: pages[slot / KVPage.slots],
            slot: slot % KVPage.slots
        )
    }
}
