package import PacelineSpeculation
package import PacelineTensor
import PacelineTraining

/// How a head's weights are multiplied.
package enum HeadPrecision: Sendable {
    /// As trained, by OpenBLAS.
    case float
    /// In eight bits: a quarter of the memory traffic, which is what drafting costs.
    case eightBit
}

/// A head of any kind, ready to draft for its target: the one place that knows which network a head's file needs.
///
/// One thread uses it at a time; all that it makes shares its network.
package struct DraftHead {
    private enum Network {
        /// EAGLE of any version.
        case eagle(any SelfFedNetwork)
        case medusa(MedusaNetwork)
    }

    private let network: Network
    /// What it reads of the target.
    package let taps: [FeatureTap]

    /// Loads the head at `path`.
    ///
    /// - Throws: ``GGUFError``, ``HeadFileError`` or ``PublishedHeadError`` if the file is no head or that of another
    ///   target, or the errors of networks.
    package init(path: String, target: ModelFile, compute: Compute) throws {
        let file = try HeadFile.open(path: path, for: target)
        let vocabulary = try TargetVocabulary(target, tokens: file.vocabulary, compute: compute)
        try self.init(file.network, file.parameters, vocabulary, taps: file.target.taps, compute: compute)
    }

    /// - Parameters:
    ///   - parameters: in the network's layout.
    ///   - vocabulary: what it takes from its target.
    /// - Throws: `OpenBLASError`, or ``PackedMatrixError`` for weights that are not finite or if memory is short.
    package init(
        _ network: HeadFile.Network,
        _ parameters: [Float],
        _ vocabulary: TargetVocabulary,
        taps: [FeatureTap],
        precision: HeadPrecision = .eightBit,
        compute: Compute
    ) throws {
        self.taps = taps
        switch network {
        case .eagle(let shape):
            self.network = .eagle(
                try EagleNetwork(
                    shape,
                    parameters: parameters,
                    vocabulary: vocabulary,
                    precision: precision,
                    compute: compute
                )
            )
        case .eagle3(let shape):
            self.network = .eagle(
                try Eagle3Network(
                    shape,
                    parameters: parameters,
                    vocabulary: vocabulary,
                    precision: precision,
                    compute: compute
                )
            )
        case .medusa(let shape):
            self.network = .medusa(
                try MedusaNetwork(
                    shape,
                    parameters: parameters,
                    vocabulary: vocabulary,
                    precision: precision,
                    compute: compute
                )
            )
        }
    }

    /// A drafter for one sequence.
    ///
    /// - Parameters:
    ///   - compiler: nil if constraints make no difference to it.
    ///   - onProgress: called now and then while it reads a long text.
    package func makeDrafter(
        _ compiler: ConstraintCompiler? = nil,
        onProgress: @escaping () -> Void = {}
    ) -> any Drafter {
        switch network {
        case .eagle(let network): EagleDrafter(network, taps: taps, compiler: compiler, onProgress: onProgress)
        case .medusa(let network): MedusaDrafter(network, taps: taps, compiler: compiler)
        }
    }

    /// A greedy draft that has committed nothing.
    package var draft: any FeatureDraft {
        switch network {
        case .eagle(let network): EagleDraft(network)
        case .medusa(let network): MedusaDraft(network)
        }
    }
}
