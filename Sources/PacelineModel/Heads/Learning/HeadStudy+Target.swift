package import PacelineTensor
import PacelineTraining

/// Makes what a head of a target learns with.
package enum HeadStudies {
    /// - Parameters:
    ///   - head: as it is at first.
    ///   - target: its target.
    ///   - compute: of the thread that learns.
    /// - Throws: ``HeadStudyError``, `OpenBLASError`, ``GGUFError``, ``PackedMatrixError`` or `TrainingDataError`.
    package static func study(
        _ head: HeadFile,
        of target: ModelFile,
        _ settings: HeadStudySettings = HeadStudySettings(),
        compute: Compute
    ) throws -> any HeadStudying {
        switch head.network {
        case .eagle(let shape):
            try study(head, target, settings, compute) { (frozen, scale) throws(TrainingDataError) in
                try EagleHead(shape, frozen: frozen, weights: .init(), featureScale: scale)
            }
        case .medusa(let shape):
            try study(head, target, settings, compute) { (frozen, scale) throws(TrainingDataError) in
                try MedusaHeads(shape, frozen: frozen, weights: .init(), featureScale: scale)
            }
        case .eagle3: throw HeadStudyError.untrainable(head.network.kind)
        }
    }

    /// Throws ``HeadStudyError`` for a head of a kind that cannot learn.
    package static func requireTrainable(_ head: HeadFile) throws(HeadStudyError) {
        if case .eagle3 = head.network { throw .untrainable(head.network.kind) }
    }

    private static func study<Head: TrainableHead<Float>>(
        _ head: HeadFile,
        _ target: ModelFile,
        _ settings: HeadStudySettings,
        _ compute: Compute,
        _ makeHead: @escaping (FrozenVocabulary<Float>, Double) throws(TrainingDataError) -> Head
    ) throws -> HeadStudy<Head> {
        let subject = HeadSubject(
            network: head.network,
            taps: head.target.taps,
            vocabulary: try TargetVocabulary(target, tokens: head.vocabulary, compute: compute),
            compute: compute,
            output: OutputSlice(rows: Matrix(target.tensors.output, rows: head.vocabulary.targetTokens)),
            embed: { Matrix(target.tensors.embedding, rows: $0) },
            makeHead: makeHead
        )
        return try HeadStudy(subject, parameters: head.parameters, settings)
    }
}

/// A head that cannot go on learning.
package enum HeadStudyError: Error, Equatable, CustomStringConvertible {
    case untrainable(HeadFile.Kind)

    package var description: String {
        switch self {
        case .untrainable(let kind):
            "a head of the kind \(kind.rawValue) drafts but cannot be trained here, so leave --learn out, "
                + "or name a head that paceline train has written"
        }
    }
}
