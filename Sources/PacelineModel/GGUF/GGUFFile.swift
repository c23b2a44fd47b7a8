/// An opened GGUF model file: its metadata and its tensors, checked against the file's size.
///
/// Opening reads the head only and copies no arrays and no weights. Values and tensors keep the file mapped. A model
/// that is split into several files is opened by the first of them, whose metadata it has, and has the tensors of all.
package struct GGUFFile: Sendable {
    /// The mapped file, or the shards of a split model in their order.
    package let files: [MappedFile]
    /// 2 or 3.
    package let version: UInt32
    package let metadata: [String: GGUFValue]
    /// The metadata's keys in the file's order.
    package let metadataKeys: [String]
    package let tensors: [String: GGUFTensor]
    /// The tensors' names in the files' order.
    package let tensorNames: [String]

    /// Opens the file at `path`, and the other shards if it is the first of several.
    package init(path: String) throws(GGUFError) {
        try self.init(joining: GGUFFile(MappedFile(path: path)))
    }

    /// Reads a GGUF file held in memory; `name` stands for its path in messages.
    package init(bytes: [UInt8], name: String) throws(GGUFError) {
        try self.init(joining: GGUFFile(MappedFile(copying: bytes, name: name)))
    }

    /// One file, whether or not there are others that belong to it.
    init(_ file: MappedFile) throws(GGUFError) {
        do throws(GGUFError.Reason) {
            let parser = try file.withBytes { (bytes) throws(GGUFError.Reason) -> GGUFParser in
                try GGUFParser(bytes, of: file)
            }
            files = [file]
            version = parser.version
            metadata = parser.metadata
            metadataKeys = parser.metadataKeys
            tensors = parser.tensors
            tensorNames = parser.tensorNames
        } catch {
            throw GGUFError(path: file.path, reason: error)
        }
    }

    /// `first` with the tensors of the other shards, if it is the first of several.
    private init(joining first: GGUFFile) throws(GGUFError) {
        let others = try GGUFSplit(first)?.otherShards() ?? []
        files = first.files + others.flatMap(\.files)
        version = first.version
        metadata = first.metadata
        metadataKeys = first.metadataKeys
        // No two shards have a tensor of the same name.
        tensors = others.reduce(into: first.tensors) { $0.merge($1.tensors) { known, _ in known } }
        tensorNames = first.tensorNames + others.flatMap(\.tensorNames)
    }

    /// The path it was opened with.
    package var path: String { files[0].path }

    /// Bytes of the file, or of all shards.
    package var byteCount: Int { files.reduce(0) { $0 + $1.count } }

    /// An error about this file.
    package func error(_ reason: GGUFError.Reason) -> GGUFError {
        GGUFError(path: path, reason: reason)
    }

    /// The tensor called `name`, ready to be used: it exists, has a weight type with kernels and, if given, these
    /// dimensions (first varies fastest).
    package func tensor(_ name: String, dimensions: [Int]? = nil) throws(GGUFError) -> GGUFTensor {
        guard let tensor = tensors[name] else { throw error(.missingTensor(name)) }
        if let dimensions, dimensions != tensor.dimensions {
            throw error(.wrongDimensions(tensor: name, expected: dimensions, found: tensor.dimensions))
        }
        guard tensor.isSupported else {
            let supported = GGUFWeightTypes.supported
            throw error(.unsupportedWeightType(tensor: name, type: tensor.typeName, supported: supported))
        }
        return tensor
    }
}
