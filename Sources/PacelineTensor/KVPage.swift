import CPacelineKernels

/// The shape of a KV cache: the same for all sequences of a model.
package struct KVShape: Sendable, Equatable {
    /// The widest head, and the most query heads for one key head, that attention computes.
    package static let headDimensionLimit = Int(PL_HEAD_DIM_LIMIT)
    package static let queryGroupLimit = Int(PL_QUERY_GROUP_LIMIT)

    package let layers: Int
    package let heads: Int
    package let headDimension: Int

    package init(layers: Int, heads: Int, headDimension: Int) {
        precondition(layers > 0 && heads > 0 && headDimension > 0 && headDimension.isMultiple(of: 16))
        self.layers = layers
        self.heads = heads
        self.headDimension = headDimension
    }

    /// Bytes of one page.
    package var pageBytes: Int { pl_kv_page_bytes(raw) }

    var raw: pl_kv_shape {
        pl_kv_shape(layers: Int64(layers), kv_heads: Int64(heads), head_dim: Int64(headDimension))
    }
}

/// Memory for the keys and values of ``slots`` tokens in every layer, as float16.
///
/// Sendable because pages move between the caches of a pool; the cache that holds a page is the only one that writes it.
package final class KVPage: @unchecked Sendable {
    /// Token positions in a page.
    package static let slots = Int(PL_PAGE_SLOTS)

    let shape: KVShape
    let base: UnsafeMutablePointer<UInt16>

    package init(shape: KVShape) {
        self.shape = shape
        let bytes = shape.pageBytes
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        base = memory.bindMemory(to: UInt16.self, capacity: bytes / 2)
    }

    deinit {
        UnsafeMutableRawPointer(base).deallocate()
    }

    /// Copies one slot, all layers, from another page (or this one).
    package func copySlot(_ slot: Int, from other: KVPage, slot otherSlot: Int) {
        precondition(other.shape == shape && (0..<Self.slots).contains(slot) && (0..<Self.slots).contains(otherSlot))
        pl_kv_copy_slot(shape.raw, base, Int64(slot), other.base, Int64(otherSlot))
    }
}
