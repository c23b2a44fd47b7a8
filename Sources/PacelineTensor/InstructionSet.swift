package import CPacelineKernels

/// An instruction set that has kernels. The bits of results are the same with all of them.
package enum InstructionSet: String, Sendable, CaseIterable {
    case scalar
    case avx2
    case avx512 = "avx512-vnni"
    case neon

    /// The fastest one of this machine.
    package static let best: InstructionSet = InstructionSet(pl_isa_best())

    /// The ones that this machine can run.
    package static var supported: [InstructionSet] {
        allCases.filter { pl_isa_supported($0.raw) != 0 }
    }

    package var raw: pl_isa {
        switch self {
        case .scalar: PL_ISA_SCALAR
        case .avx2: PL_ISA_AVX2
        case .avx512: PL_ISA_AVX512
        case .neon: PL_ISA_NEON
        }
    }

    private init(_ raw: pl_isa) {
        self = Self.allCases.first { $0.raw == raw } ?? .scalar
    }
}
