package import PacelineModel
package import PacelineSpeculation
package import PacelineWire

/// What a worker tells verifiers of a drafter. No weights are read for it.
package struct DrafterOutline: Sendable {
    /// What its token ids mean; nil if it drafts for any vocabulary.
    package var fingerprint: ModelFingerprint?
    /// The features of the target that it reads.
    package var taps: [FeatureTap] = []
}

extension DrafterName {
    /// Reads the drafter's files as far as needed, and checks that a head is one that can draft for its target.
    ///
    /// - Parameter target: the model of the verifier in whose process it drafts; nil in a worker's.
    /// - Throws: ``DrafterNameError``, `HeadFileError`, `PublishedHeadError`, or the errors of model files and
    ///   datastores.
    package func outline(for target: ModelFile? = nil) throws -> DrafterOutline {
        switch self {
        case .model, .retokenized:
            DrafterOutline(fingerprint: try vocabularyPath.map(ModelFingerprint.init(modelAt:)))
        case .head(let path, let named):
            try headOutline(path, named.map { try ModelFile(path: $0) } ?? target, features: target)
        case .lookUp(let settings) where settings.kind == .datastore:
            DrafterOutline(fingerprint: ModelFingerprint(try Datastore(path: settings.path).vocabulary))
        case .lookUp, .grammar, .random, .liar:
            DrafterOutline()
        }
    }

    /// - Parameters:
    ///   - target: whose tokens the head drafts.
    ///   - source: whose features it reads, if that is known.
    private func headOutline(
        _ path: String,
        _ target: ModelFile?,
        features source: ModelFile?
    ) throws -> DrafterOutline {
        guard let target else { throw DrafterNameError.headTarget(path: path) }
        let taps = try HeadFile.taps(path: path, for: HeadTarget(source ?? target, name: target.path))
        var fingerprint = ModelFingerprint(target)
        // The target's tokens, but it is the head that drafts.
        fingerprint.model = description
        return DrafterOutline(fingerprint: fingerprint, taps: taps)
    }
}
