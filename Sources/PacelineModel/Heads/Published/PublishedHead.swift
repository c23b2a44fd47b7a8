import PacelineSpeculation
import PacelineTraining

/// A published head, judged by its header and configuration: all but the numbers of its tensors has been checked.
struct PublishedHead {
    /// Which tokens of the target its draft tokens are.
    enum DraftTokens: Equatable {
        /// All of them, in their order.
        case all
        /// The tensor d2t has what is to be added to each draft token.
        case offsets
        /// The tensor d2t has the target's tokens.
        case absolute
    }

    let network: HeadFile.Network
    let taps: [FeatureTap]
    private let draftTokens: DraftTokens
    private let tensors: PublishedTensors
    /// What the file calls the parts of each tensor of the network's layout.
    private let names: [String: [String]]

    /// - Parameters:
    ///   - names: where a tensor's name in the file is not that in the layout.
    ///   - isIgnored: whether a tensor repeats what the target has, or what others say.
    init(
        _ network: HeadFile.Network,
        taps: [FeatureTap],
        draftTokens: DraftTokens,
        tensors: PublishedTensors,
        names: [String: [String]],
        ignoring isIgnored: (String) -> Bool
    ) throws(PublishedHeadError.Reason) {
        var tensors = tensors
        for part in network.layout.tensors {
            let (own, slice) = (names[part.name] ?? [part.name], part.slice)
            // Only vectors have parts.
            let shape = slice.rows > 1 || part.name == "output.weight" ? [slice.rows, slice.columns] : [slice.columns]
            for name in own { try tensors.claim(name, own.count > 1 ? [slice.columns / own.count] : shape) }
        }
        if draftTokens != .all { try tensors.claim("d2t", [tensors.shape("d2t")?.first ?? 0]) }
        tensors.ignore(isIgnored)
        try tensors.requireNoneLeft()
        (self.network, self.taps, self.draftTokens) = (network, taps, draftTokens)
        (self.tensors, self.names) = (tensors, names)
    }

    /// Reads the weights.
    ///
    /// - Parameters:
    ///   - target: which the head is for.
    ///   - tokenCount: the target's tokens without the padding of its vocabulary.
    func file(for target: HeadTarget, tokenCount: Int) throws(PublishedHeadError.Reason) -> HeadFile {
        let all = try targetTokens(target)
        let places = all.indices.filter { all[$0] < tokenCount }.sorted { all[$0] < all[$1] }
        guard !places.isEmpty else { throw .noDraftTokens }
        var (network, parameters) = (network, [Float]())
        for part in network.layout.tensors {
            var numbers: [Float] = []
            for name in names[part.name] ?? [part.name] { numbers += try tensors.numbers(name) }
            guard part.name == "output.weight", places != Array(all.indices) else {
                parameters += numbers
                continue
            }
            let width = part.slice.columns
            for place in places { parameters += numbers[place * width..<(place + 1) * width] }
        }
        if case .eagle3(var shape) = network, shape.outputTokens != nil {
            shape.outputTokens = places.count
            network = .eagle3(shape)
        }
        var trained = target
        trained.taps = taps
        return HeadFile(
            network: network,
            parameters: parameters,
            vocabulary: try vocabulary(places.map { all[$0] }, target),
            target: trained
        )
    }

    private func vocabulary(_ tokens: [Int], _ target: HeadTarget) throws(PublishedHeadError.Reason) -> DraftVocabulary
    {
        do throws(TrainingDataError) {
            return try DraftVocabulary(targetTokens: tokens, targetCount: target.vocabularySize)
        } catch {
            throw .noDraftTokens
        }
    }

    /// The target's token of each draft token, each once.
    private func targetTokens(_ target: HeadTarget) throws(PublishedHeadError.Reason) -> [Int] {
        guard draftTokens != .all else { return Array(0..<target.vocabularySize) }
        var (tokens, seen) = (try tensors.integers("d2t"), Set<Int>())
        for (index, number) in tokens.enumerated() {
            let token = draftTokens == .offsets ? index.addingReportingOverflow(number).partialValue : number
            guard (0..<target.vocabularySize).contains(token) else {
                throw .draftToken(index: index, token: token, vocabularySize: target.vocabularySize)
            }
            guard seen.insert(token).inserted else { throw .repeatedDraftToken(index: index, token: token) }
            tokens[index] = token
        }
        return tokens
    }
}
