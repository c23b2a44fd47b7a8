import CPacelineProtocol

/// Memory for the C structures of one message while it is packed.
///
/// C structures point to their contents. The arena owns copies of all of them, so that structures can be built in plain
/// statements. No structure may be used after its arena is gone.
final class PackArena {
    private var allocations: [UnsafeMutableRawPointer] = []

    deinit {
        for allocation in allocations { allocation.deallocate() }
    }

    /// A pointer to a copy of `value`.
    func pointer<Value: ProtobufStructure>(to value: Value) -> UnsafeMutablePointer<Value> {
        let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        pointer.initialize(to: value)
        allocations.append(UnsafeMutableRawPointer(pointer))
        return pointer
    }

    /// A pointer to copies of the elements; `nil` if there are none.
    func pointer<Element: BitwiseCopyable>(toElementsOf elements: [Element]) -> UnsafeMutablePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let pointer = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        _ = UnsafeMutableBufferPointer(start: pointer, count: elements.count).initialize(fromContentsOf: elements)
        allocations.append(UnsafeMutableRawPointer(pointer))
        return pointer
    }

    func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        ProtobufCBinaryData(len: bytes.count, data: pointer(toElementsOf: bytes))
    }

    /// Bytes that `body` writes, all of them.
    func bytes(count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) -> ProtobufCBinaryData {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        if let start = bytes.baseAddress { allocations.append(start) }
        body(bytes)
        return ProtobufCBinaryData(len: count, data: bytes.bindMemory(to: UInt8.self).baseAddress)
    }

    /// A C string of at most `limit` bytes; longer text is cut between two Unicode scalars. U+FFFD replaces NUL, which
    /// would end the string.
    func text(_ text: String, limit: Int) -> UnsafeMutablePointer<CChar>? {
        var kept: [CChar] = []
        for scalar in text.unicodeScalars.lazy.map({ $0.value == 0 ? "\u{fffd}" : $0 }) {
            let bytes = UTF8.encode(scalar).map { $0.map { CChar(bitPattern: $0) } } ?? []
            guard kept.count + bytes.count <= limit else { break }
            kept += bytes
        }
        return pointer(toElementsOf: kept + [0])
    }
}
