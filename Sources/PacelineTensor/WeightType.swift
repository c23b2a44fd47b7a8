package import CPacelineKernels

/// How the weights of a tensor are stored, with the numbers that GGUF files use.
package enum WeightType: UInt32, Sendable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case bf16 = 30
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case iq4_NL = 20
    case iq4_XS = 23

    /// The name that llama.cpp gives the type, "Q4_K" or the like.
    package var name: String { String(cString: pl_type_name(rawValue)) }
    /// Weights in a block.
    package var blockLength: Int { pl_type_block_length(rawValue) }
    /// Bytes of a block in a file.
    package var blockBytes: Int { pl_type_block_bytes(rawValue) }
    /// Whether weights are plain floats, which the quantised kernels do not multiply.
    package var isFloat: Bool { blockLength == 1 }
    /// Whether OpenBLAS multiplies the weights. It knows float32 alone, and widening half-precision weights first would
    /// cost more than it gains over kernels that widen on the way.
    package var usesOpenBLAS: Bool { self == .f32 }
    /// The type as the kernels know it.
    package var raw: pl_type { pl_type(rawValue: rawValue) }

    /// Bytes of `count` weights (a multiple of the block length) in a file.
    package func bytes(for count: Int) -> Int {
        precondition(count.isMultiple(of: blockLength), "whole blocks")
        return count / blockLength * blockBytes
    }
}
