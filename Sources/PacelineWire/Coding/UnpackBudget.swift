import CPacelineProtocol

/// The memory that one message may use while it is unpacked.
///
/// A payload's length is capped, but protobuf can unpack to many times its encoded size: thousands of empty fields,
/// each with a bookkeeping entry. Honest messages need four times their size, for packed arrays of small numbers. The
/// budget is twice that, plus 16 KiB for the structures.
struct UnpackBudget {
    private var remaining: Int

    init(payloadLength: Int) {
        remaining = 16 << 10 + 8 * payloadLength
    }

    /// Calls `body` with an allocator that returns null when the budget is spent, which makes unpacking fail.
    mutating func withAllocator<Result>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result) -> Result {
        withUnsafeMutablePointer(to: &remaining) { remaining in
            var allocator = ProtobufCAllocator(
                alloc: { budget, size in
                    guard let budget = budget?.assumingMemoryBound(to: Int.self), size <= budget.pointee else {
                        return nil
                    }
                    budget.pointee -= size
                    return .allocate(byteCount: size, alignment: 16)
                },
                free: { _, pointer in pointer?.deallocate() },
                allocator_data: remaining
            )
            return body(&allocator)
        }
    }
}
