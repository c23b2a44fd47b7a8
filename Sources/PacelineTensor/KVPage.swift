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

    /// Copies one slot, all layers, from another page (or this one).
    package func copySlot(_ slot: Int, from other: KVPage, slot otherSlot: Int) {
        precondition(other.shape == shape && (0..<Self.slots).contains(slot) && (0..<Self.slots).contains(otherSlot))
        pl_kv_copy_slot(shape.raw, base, Int64(slot), other.base, Int64(otherSlot))
    }
}
