import CPacelineKernels

/// The shape of a KV cache: the same for all sequences of a model.
package struct KVShape: Sendable, Equatable {
    /// The widest head, and the most query heads for one key head, that attention computes.
    package static let headDimensionLimit = Int(PL_HEAD_DIM_LIMIT)
    package static let queryGroupLimit = Int(PL_QUERY_GROUP_LIMIT)

    package let layers: Int
    package let heads: Int
    /// Width of a key or value head, up to ``headDimensionLimit``.
    package let headDimension: Int
    package let type: KVType

    package init(layers: Int, heads: Int, headDimension: Int, type: KVType = .f16) {
        precondition(layers > 0 && heads > 0 && (1...Self.headDimensionLimit).contains(headDimension))
        self.layers = layers
        self.heads = heads
        self.headDimension = headDimension
        self.type = type
    }

    /// Bytes of one page.
    package var pageBytes: Int { pl_kv_page_bytes(raw) }

    /// Width of a head in pages and kernels: whole vectors, with zeros after the head's own values. Zeros add nothing
    /// to a score.
    var storedDimension: Int { (headDimension + Self.vector - 1) / Self.vector * Self.vector }

    private static let vector = 16

    var raw: pl_kv_shape {
        pl_kv_shape(layers: Int64(layers), kv_heads: Int64(heads), head_dim: Int64(storedDimension), type: type.raw)
    }
}

/// Memory for the keys and values of ``slots`` tokens in every layer.
///
/// Sendable because pages move between the caches of a pool. A cache writes a page only while it is the sole holder.
package final class KVPage: @unchecked Sendable {
    /// Token positions in a page.
    package static let slots = Int(PL_PAGE_SLOTS)

    /// Memory of several pages, which keep it alive.
    private final class Slab: @unchecked Sendable {
        let base: UnsafeMutableRawPointer
        private let bytes: Int

        init?(bytes: Int) {
            guard let base = pl_memory_allocate(bytes) else { return nil }
            self.base = base
            self.bytes = bytes
        }

        deinit {
            pl_memory_free(base, bytes)
        }
    }

    let shape: KVShape
    let base: UnsafeMutableRawPointer
    private let slab: Slab

    private init(shape: KVShape, slab: Slab, index: Int) {
        self.shape = shape
        self.slab = slab
        base = slab.base + index * shape.pageBytes
    }

    /// Bytes of memory that are mapped at a time: many huge pages, so that a partly used last one wastes little.
    package static let slabBytes = 32 << 20

    /// New pages side by side, on huge pages where the system has them. As many as fit in ``slabBytes``, but at least
    /// one and at most `limit`. They occupy memory from the first write on.
    ///
    /// - Returns: the pages in the order of their addresses; nil if there is no memory.
    package static func slab(shape: KVShape, limit: Int) -> [KVPage]? {
        let count = min(max(1, slabBytes / shape.pageBytes), limit)
        let (bytes, overflow) = count.multipliedReportingOverflow(by: shape.pageBytes)
        guard !overflow, let slab = Slab(bytes: bytes) else { return nil }
        return (0..<count).map { KVPage(shape: shape, slab: slab, index: $0) }
    }

    /// Puts words where the first value of a slot is, in pages of float16. For engines that compute nothing, and note
    /// what a slot's keys and values would depend on.
    ///
    /// - Parameter words: at most as many as a stored head has elements.
    package func note(_ words: [UInt16], inSlot slot: Int) {
        precondition(shape.type == .f16 && words.count <= shape.storedDimension && (0..<Self.slots).contains(slot))
        let start = values(ofSlot: slot)
        for (place, word) in words.enumerated() { start.storeBytes(of: word, toByteOffset: 2 * place, as: UInt16.self) }
    }

    /// The first `count` words that ``note(_:inSlot:)`` has put into a slot.
    package func notes(_ count: Int, inSlot slot: Int) -> [UInt16] {
        precondition(shape.type == .f16 && count <= shape.storedDimension && (0..<Self.slots).contains(slot))
        let start = values(ofSlot: slot)
        return (0..<count).map { start.load(fromByteOffset: 2 * $0, as: UInt16.self) }
    }

    /// Where the values of a slot are in the first layer and head: behind the keys of all.
    private func values(ofSlot slot: Int) -> UnsafeMutableRawPointer {
        let keys = shape.layers * shape.heads * Self.slots * shape.storedDimension
        return base + 2 * (keys + slot * shape.storedDimension)
    }

    /// Copies one slot, all layers, from another page (or this one).
    package func copySlot(_ slot: Int, from other: KVPage, slot otherSlot: Int) {
        precondition(other.shape == shape && (0..<Self.slots).contains(slot) && (0..<Self.slots).contains(otherSlot))
        pl_kv_copy_slot(shape.raw, base, Int64(slot), other.base, Int64(otherSlot))
    }
}
