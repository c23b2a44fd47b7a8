import CPacelineKernels

/// Hands out memory for packed weights from large regions, one matrix after the other.
///
/// A pass reads every weight once, so pages of 4 KiB would miss the translation cache on each of them. A region begins
/// at a boundary of 2 MiB and asks for pages of that size, which few matrices could fill alone. And where matrices lie
/// in the order of their use, the read-ahead of one product runs into the next. One thread uses an arena at a time.
package final class WeightArena {
    /// Bytes of a region, unless a matrix needs more.
    private let regionBytes: Int
    private var region: WeightRegion?
    private var used = 0

    package init(regionBytes: Int = 64 << 20) {
        self.regionBytes = regionBytes
    }

    /// `bytes` zero bytes at the start of a page, and the region that they are in. Nil if the system has no memory.
    func allocate(_ bytes: Int) -> (data: UnsafeMutableRawPointer, region: WeightRegion)? {
        let start = (used + Self.page - 1) / Self.page * Self.page
        if let region, bytes <= region.count - start {
            used = start + bytes
            return (region.base + start, region)
        }
        guard let region = WeightRegion(count: max(bytes, regionBytes)) else { return nil }
        self.region = region
        used = bytes
        return (region.base, region)
    }

    private static let page = 4096
}

/// Memory that several matrices share. It is freed with the last of them.
final class WeightRegion: Sendable {
    let count: Int
    nonisolated(unsafe) let base: UnsafeMutableRawPointer
    private nonisolated(unsafe) let allocation: UnsafeMutableRawPointer
    private let allocated: Int

    init?(count: Int) {
        // Untouched pages cost nothing, so the slack before the boundary is free. Small regions need no boundary.
        let slack = count < Self.hugePage ? 0 : Self.hugePage
        allocated = count + slack
        guard let allocation = pl_memory_allocate(allocated) else { return nil }
        self.count = count
        self.allocation = allocation
        base = slack == 0 ? allocation : allocation.alignedUp(toMultipleOf: Self.hugePage)
    }

    deinit {
        pl_memory_free(allocation, allocated)
    }

    private static let hugePage = 2 << 20
}
