package import PacelineSpeculation

extension HeadFile {
    /// Reads the head at `path`, in any format that Paceline knows: its own, a published one in safetensors, or
    /// llama.cpp's EAGLE-3.
    ///
    /// Files of others say little about their target, so what they do not say is taken from the one at hand.
    ///
    /// - Parameters:
    ///   - target: what a head for the target would state.
    ///   - tokenCount: the target's tokens without the padding of its vocabulary.
    /// - Throws: ``GGUFError``, ``HeadFileError`` or ``PublishedHeadError`` if the file is no head, or one for another
    ///   target.
    package static func open(path: String, for target: HeadTarget, tokenCount: Int) throws -> HeadFile {
        switch try FoundHead(path: path, target) {
        case .own(let file):
            let head = try HeadFile(file)
            try head.check(for: target, path: path)
            return head
        case .published(let head):
            return try reporting(path) { () throws(PublishedHeadError.Reason) in
                try head.file(for: target, tokenCount: tokenCount)
            }
        }
    }

    /// Reads the head at `path` for a model.
    package static func open(path: String, for model: ModelFile) throws -> HeadFile {
        try open(path: path, for: HeadTarget(model, name: model.path), tokenCount: model.tokenizer.tokenCount)
    }

    /// The features that the head at `path` reads of a target. Weights are not read.
    ///
    /// - Throws: as ``open(path:for:tokenCount:)``.
    package static func taps(path: String, for target: HeadTarget) throws -> [FeatureTap] {
        switch try FoundHead(path: path, target) {
        case .own:
            let trained = try outline(path: path).target
            try trained.check(for: target, path: path)
            return trained.taps
        case .published(let head):
            return head.taps
        }
    }
}

/// A head's file by its format.
private enum FoundHead {
    case own(GGUFFile)
    case published(PublishedHead)

    init(path: String, _ target: HeadTarget) throws {
        let file = try MappedFile(path: path)
        let begin = file.withBytes { Array($0.prefix(9)) }
        if begin.starts(with: "GGUF".utf8) {
            self = try Self.named(GGUFFile(path: path), target)
        } else if Self.isPickle(begin) {
            throw PublishedHeadError(path: path, reason: .pickle)
        } else if begin.last == UInt8(ascii: "{") || path.hasSuffix(".safetensors") {
            let head = try reporting(path) { () throws(PublishedHeadError.Reason) in
                try PublishedHead(
                    SafetensorsFile(file),
                    { () throws(PublishedHeadError.Reason) in try PublishedConfiguration(beside: path) },
                    for: target
                )
            }
            self = .published(head)
        } else {
            throw PublishedHeadError(path: path, reason: .notAHead)
        }
    }

    /// A GGUF file: a head of ours, one of llama.cpp's, or a model whose own heads are not used.
    private static func named(_ file: GGUFFile, _ target: HeadTarget) throws -> FoundHead {
        guard case .string(let name)? = file.metadata["general.architecture"] else { return .own(file) }
        if name == PublishedHead.architecture { return .published(try PublishedHead(file, for: target)) }
        if let layers = file.metadata["\(name).nextn_predict_layers"], !layers.isZero {
            let what = "is a model with layers of multi-token prediction (nextn), which Paceline does not use yet"
            throw PublishedHeadError(path: file.path, reason: .unsupported(what))
        }
        return .own(file)
    }

    /// PyTorch writes ZIP archives with pickles, and pickles alone before version 1.6.
    private static func isPickle(_ begin: [UInt8]) -> Bool {
        begin.starts(with: [0x50, 0x4b, 3, 4]) || begin.count > 1 && begin[0] == 0x80 && (2...5).contains(begin[1])
    }
}

extension GGUFValue {
    fileprivate var isZero: Bool {
        switch self {
        case .unsigned(0), .signed(0): true
        default: false
        }
    }
}

/// Names the file in errors.
private func reporting<Result>(
    _ path: String,
    _ body: () throws(PublishedHeadError.Reason) -> Result
) throws(PublishedHeadError) -> Result {
    do throws(PublishedHeadError.Reason) {
        return try body()
    } catch {
        throw PublishedHeadError(path: path, reason: error)
    }
}
