import PacelineTensor

extension EngineBenchmark {
    /// A cache that holds `context` tokens and has room for `room` more.
    ///
    /// It computes the keys and values of a few tokens and repeats them. The cost of attention depends on their number,
    /// not on their values, and computing thousands would take longer than the measurements themselves.
    func measuringCache(_ context: Int, room: Int) throws -> KVCache {
        let shape = model.transformer.cacheShape
        let cache = KVCache(pool: KVPagePool(shape: shape, slots: context + room + KVPage.slots))
        try cache.reserve(context + room)
        let pattern = min(context, 16)
        if pattern > 0 {
            model.transformer.forward(
                (0..<pattern).map { .committed(tokens[0], position: $0, cache: cache, wantsLogits: false) }
            )
        }
        for slot in pattern..<max(pattern, context) {
            cache.pages[slot / KVPage.slots].copySlot(
                slot % KVPage.slots,
                from: cache.pages[slot % pattern / KVPage.slots],
                slot: slot % pattern % KVPage.slots
            )
        }
        cache.commit(context)
        return cache
    }
}
