import PacelineSpeculation
import PacelineTensor
import PacelineTraining

extension HeadFile {
    /// Reads the head at `path`.
    ///
    /// - Throws: ``GGUFError`` if the file is no GGUF; ``HeadFileError`` if it is no head.
    package init(path: String) throws {
        try self.init(GGUFFile(path: path))
    }

    /// Reads a head from an open file: all shapes, flags and ids are checked, and all weights are finite.
    ///
    /// - Throws: ``HeadFileError``.
    package init(_ file: GGUFFile) throws(HeadFileError) {
        do throws(HeadFileError.Reason) {
            try self.init(checking: file)
        } catch {
            throw HeadFileError(path: file.path, reason: error)
        }
    }

    private init(checking file: GGUFFile) throws(HeadFileError.Reason) {
        let (kind, target, metadata) = try Self.outline(of: file)
        let width = try metadata.count("embedding_length", 1...1 << 16)
        guard width == target.width else {
            throw metadata.wrong("embedding_length", found: "\(width)", "\(target.width), the target's width,")
        }
        let count = try metadata.count("draft_vocab_size", 1...target.vocabularySize)
        var tensors = HeadTensors(file)
        let shape = HeadOutline(width: width, draftTokens: count, taps: target.taps.count)
        let network = try Network(kind, shape, metadata, &tensors)
        vocabulary = try tensors.vocabulary(count: count, targetCount: target.vocabularySize)
        parameters = try tensors.parameters(of: network)
        try tensors.requireNoneLeft()
        (self.network, self.target) = (network, target)
    }

    /// What kind of head the file at `path` holds, and for which target; its weights are not read.
    ///
    /// - Throws: ``GGUFError`` if the file is no GGUF; ``HeadFileError`` if it is no head.
    package static func outline(path: String) throws -> (kind: Kind, target: HeadTarget) {
        let file = try GGUFFile(path: path)
        do throws(HeadFileError.Reason) {
            let (kind, target, _) = try outline(of: file)
            return (kind, target)
        } catch {
            throw HeadFileError(path: path, reason: error)
        }
    }

    private static func outline(
        of file: GGUFFile
    ) throws(HeadFileError.Reason) -> (Kind, HeadTarget, HeadMetadata) {
        guard case .string(let name)? = file.metadata["general.architecture"] else {
            throw .notAHead(architecture: nil)
        }
        guard let kind = Kind(rawValue: name) else { throw .notAHead(architecture: name) }
        let metadata = HeadMetadata(file: file, prefix: name)
        let version = try metadata.count("version", 0...Int(UInt32.max))
        guard version == self.version else { throw .version(found: version, expected: self.version) }
        return (kind, try HeadTarget(kind, metadata), metadata)
    }

    /// Checks that the head can draft for a target, as ``HeadTarget/check(for:path:)``.
    package func check(for target: HeadTarget, path: String) throws(HeadFileError) {
        try self.target.check(for: target, path: path)
    }
}

extension HeadTarget {
    /// Checks that a head for this target can draft for another one.
    ///
    /// - Parameters:
    ///   - target: what a head for it would state.
    ///   - path: of the head's file.
    package func check(for target: HeadTarget, path: String) throws(HeadFileError) {
        let pairs = [
            ("width", "\(width)", "\(target.width)"),
            ("number of layers", "\(layers)", "\(target.layers)"),
            ("vocabulary's size", "\(vocabularySize)", "\(target.vocabularySize)"),
            ("tokenizer", String(tokenizer.prefix(8)), String(target.tokenizer.prefix(8))),
        ]
        guard let (what, found, expected) = pairs.first(where: { $0.1 != $0.2 }) else { return }
        throw HeadFileError(path: path, reason: .otherTarget(what: what, found: found, expected: expected, name: name))
    }

    fileprivate init(_ kind: HeadFile.Kind, _ metadata: HeadMetadata) throws(HeadFileError.Reason) {
        let layers = try metadata.count("target.block_count", 1...1024)
        var taps: [FeatureTap] = []
        for number in try metadata.counts("target.taps", 1...16) {
            guard let tap = FeatureTap(number: number, layers: layers) else {
                let expected = "0 to \(layers + 1), the target's layers and what follows them,"
                throw metadata.wrong("target.taps", found: "\(number)", expected)
            }
            taps.append(tap)
        }
        self.init(
            name: try metadata.text("target.name"),
            fingerprint: try metadata.text("target.fingerprint"),
            tokenizer: try metadata.text("target.tokenizer"),
            width: try metadata.count("target.embedding_length", 1...1 << 16),
            vocabularySize: try metadata.count("target.vocab_size", 1...1 << 24),
            layers: layers,
            taps: taps
        )
        guard taps.count == 1 || kind == .eagle3 && taps.count <= FeatureDemand.tapLimit else {
            throw metadata.wrong("target.taps", found: "\(taps.count) taps", "1, which is all that this kind reads,")
        }
    }
}

/// The sizes of a head that its parts share.
private struct HeadOutline {
    let width: Int
    let draftTokens: Int
    let taps: Int
}

extension HeadFile.Network {
    fileprivate init(
        _ kind: HeadFile.Kind,
        _ outline: HeadOutline,
        _ metadata: HeadMetadata,
        _ tensors: inout HeadTensors
    ) throws(HeadFileError.Reason) {
        let width = outline.width
        switch kind {
        case .medusa, .hydra:
            self = .medusa(
                MedusaHeads<Float>.Shape(
                    width: width,
                    heads: try metadata.count("head_count", 1...32),
                    blocks: try metadata.count("layer_count", 1...32),
                    readsTokens: kind == .hydra
                )
            )
        case .eagle:
            let layer = try DecoderLayer.Shape(width: width, metadata, &tensors)
            var shape = EagleHead<Float>.Shape(layer: layer)
            for flag in EagleHead<Float>.Shape.flags { shape[keyPath: flag.path] = try metadata.flag(flag.key) }
            self = .eagle(shape)
        case .eagle3:
            let layer = try DecoderLayer.Shape(width: width, metadata, &tensors)
            var shape = Eagle3Shape(layer: layer, taps: outline.taps)
            for flag in Eagle3Shape.flags { shape[keyPath: flag.path] = try metadata.flag(flag.key) }
            let norm = try metadata.count("feature_norm", 0...Eagle3Shape.FeatureNorm.allCases.count - 1)
            shape.featureNorm = Eagle3Shape.FeatureNorm(rawValue: norm) ?? .none
            shape.outputTokens = try metadata.flag("own_output") ? outline.draftTokens : nil
            self = .eagle3(shape)
        }
    }
}

extension DecoderLayer.Shape {
    fileprivate init(
        width: Int,
        _ metadata: HeadMetadata,
        _ tensors: inout HeadTensors
    ) throws(HeadFileError.Reason) {
        _ = try metadata.count("block_count", 1...1)
        let heads = try metadata.count("attention.head_count", 1...1024)
        let keyValueHeads = try metadata.count("attention.head_count_kv", 1...heads)
        guard heads.isMultiple(of: keyValueHeads) else {
            throw metadata.wrong("attention.head_count_kv", found: "\(keyValueHeads)", "a divisor of \(heads)")
        }
        let size = try metadata.count("attention.key_length", 2...1024)
        let turning = try metadata.count("rope.dimension_count", 2...size)
        guard turning.isMultiple(of: 2) else {
            throw metadata.wrong("rope.dimension_count", found: "\(turning)", "an even number")
        }
        let rotary = RotaryEmbedding(
            dimensions: turning,
            pairing: try metadata.flag("rope.halves") ? .halves : .neighbours,
            theta: try metadata.positive("rope.freq_base"),
            frequencyDivisors: try tensors.frequencyDivisors(turning / 2)
        )
        self.init(
            width: width,
            attention: CausalAttention(heads: heads, keyValueHeads: keyValueHeads, headDimension: size),
            hidden: try metadata.count("feed_forward_length", 1...1 << 20),
            rotary: rotary,
            normEpsilon: try metadata.positive("attention.layer_norm_rms_epsilon")
        )
    }
}

/// A head's tensors, and which were asked for.
private struct HeadTensors {
    private let file: GGUFFile
    private var left: Set<String>

    init(_ file: GGUFFile) {
        self.file = file
        left = Set(file.tensorNames)
    }

    private mutating func tensor(_ name: String, _ dimensions: [Int]) throws(HeadFileError.Reason) -> GGUFTensor {
        guard let tensor = file.tensors[name] else { throw .missingTensor(name) }
        guard tensor.dimensions == dimensions else {
            throw .wrongDimensions(tensor: name, found: tensor.dimensions, expected: dimensions)
        }
        left.remove(name)
        return tensor
    }

    /// Nil if the file has none.
    mutating func frequencyDivisors(_ count: Int) throws(HeadFileError.Reason) -> [Double]? {
        let name = "rope_freqs.weight"
        guard file.tensors[name] != nil else { return nil }
        let tensor = try tensor(name, [count])
        guard tensor.type == WeightType.f32.rawValue else {
            throw .wrongType(tensor: name, found: tensor.typeName, expected: "F32")
        }
        let row = FloatMatrix(rows: 1, columns: count)
        tensor.expandRow(0, into: row, row: 0)
        let divisors = row.row(0)
        if let index = divisors.firstIndex(where: { !($0.isFinite && $0 > 0) }) {
            throw .notFinite(tensor: name, index: index)
        }
        return divisors.map(Double.init)
    }

    mutating func vocabulary(count: Int, targetCount: Int) throws(HeadFileError.Reason) -> DraftVocabulary {
        let tensor = try tensor("d2t", [count])
        guard let tokens = tensor.integers else {
            throw .wrongType(tensor: "d2t", found: tensor.typeName, expected: "I64")
        }
        do throws(TrainingDataError) {
            return try DraftVocabulary(targetTokens: tokens, targetCount: targetCount)
        } catch {
            let index = tokens.indices.first {
                tokens[$0] <= ($0 > 0 ? tokens[$0 - 1] : -1) || tokens[$0] >= targetCount
            }
            let place = index ?? 0
            throw .draftToken(
                index: place,
                token: tokens[place],
                after: place > 0 ? tokens[place - 1] : -1,
                vocabularySize: targetCount
            )
        }
    }

    /// The weights in the network's layout.
    mutating func parameters(of network: HeadFile.Network) throws(HeadFileError.Reason) -> [Float] {
        let layout = network.layout
        var tensors: [GGUFTensor] = []
        for part in layout.tensors {
            let slice = part.slice
            let dimensions = slice.rows > 1 ? [slice.columns, slice.rows] : [slice.columns]
            let tensor = try tensor(network.tensorName(part.name), dimensions)
            guard let type = WeightType(rawValue: tensor.type), type == .f16 || type == .f32 else {
                throw .wrongType(tensor: tensor.name, found: tensor.typeName, expected: "F16 or F32")
            }
            tensors.append(tensor)
        }
        // All are in the file, so this is no larger than twice the file.
        var parameters: [Float] = []
        parameters.reserveCapacity(layout.count)
        for tensor in tensors {
            let row = FloatMatrix(rows: 1, columns: tensor.columns)
            for index in 0..<tensor.rows {
                tensor.expandRow(index, into: row, row: 0)
                if let column = row.firstNotFinite(row: 0) {
                    throw .notFinite(tensor: tensor.name, index: index * tensor.columns + column)
                }
                parameters += row.row(0)
            }
        }
        return parameters
    }

    func requireNoneLeft() throws(HeadFileError.Reason) {
        let unused = file.tensorNames.filter(left.contains)
        if let first = unused.first { throw .unusedTensor(first, others: unused.count - 1) }
    }
}
