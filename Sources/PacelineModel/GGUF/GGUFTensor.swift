import CPacelineKernels

/// One tensor of a GGUF file: the place, type and shape of its weights.
package struct GGUFTensor: Sendable {
    package let name: String
    /// Sizes in the order of the file: the first varies fastest, so a matrix is [columns, rows].
    package let dimensions: [Int]
    /// The number of the weight type in the file, known or not.
    package let type: UInt32
    /// The byte range of the weights in the file; empty if the type's size is unknown.
    package let range: Range<Int>
    /// The file that holds the weights. The tensor keeps it mapped.
    package let file: MappedFile

    /// Number of weights.
    package var elementCount: Int { dimensions.reduce(1, *) }
    /// Weights in a row.
    package var columns: Int { dimensions[0] }
    /// Number of rows: the product of all dimensions but the first.
    package var rows: Int { elementCount / columns }
    /// Whether kernels exist for the weight type.
    package var isSupported: Bool { pl_type_supported(type) != 0 }
    /// The weight type's name, such as "Q4_K", or its number if it is unknown.
    package var typeName: String { GGUFWeightTypes.name(of: type) }

    /// The numbers of a tensor of 64-bit integers; nil for other types.
    package var integers: [Int]? {
        guard type == GGUFWeightTypes.int64 else { return nil }
        return withBytes { bytes in
            (0..<elementCount).map { index in
                Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)))
            }
        }
    }

    /// Calls `body` with the weights as stored in the file.
    package func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try file.withBytes { (bytes) throws(E) -> R in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }
}

/// Names of weight types for messages, including types without kernels.
enum GGUFWeightTypes {
    /// The number of 64-bit integers.
    static let int64: UInt32 = 27

    private static let others: [UInt32: String] = [
        9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
        22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0",
        35: "TQ2_0", 39: "MXFP4",
    ]

    static func name(of type: UInt32) -> String {
        guard pl_type_block_length(type) == 0 else { return String(cString: pl_type_name(type)) }
        return others[type] ?? "number \(type)"
    }

    /// Weights in a block; 0 if that is unknown.
    static func blockLength(_ type: UInt32) -> Int { type == int64 ? 1 : pl_type_block_length(type) }

    /// Bytes of a block.
    static func blockBytes(_ type: UInt32) -> Int { type == int64 ? 8 : pl_type_block_bytes(type) }

    /// The names of all types that have kernels.
    static var supported: String {
        (0..<64).filter { pl_type_supported($0) != 0 }.map { name(of: $0) }.joined(separator: ", ")
    }
}
