import CPacelineKernels

/// What this process has allocated.
package enum HeapUse {
    /// Bytes that are handed out at this moment, by all threads; 0 where the C library does not tell.
    package static var bytes: Int { Int(clamping: pl_heap_bytes()) }
}
