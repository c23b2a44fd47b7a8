/// An open GGUF model file: its metadata and its tensors, checked against the file's size.
///
/// Opening reads only the header and copies neither arrays nor weights. Values and tensors keep the file mapped. A
/// split model is opened by its first file; it has that file's metadata and the tensors of all files.
package struct GGUFFile: Sendable {
    /// The mapped file, or the shards of a split model in order.
    package let files: [MappedFile]
    /// 2 or 3.
    package let version: UInt32
    package private(set) var metadata: [String: GGUFValue]
    /// The metadata keys in the order of the file.
    package private(set) var metadataKeys: [String]
    package let tensors: [String: GGUFTensor]
    /// The tensor names in the order of the files.
    package let tensorNames: [String]

    /// Opens the file at `path`, and the other shards if it is the first of a split model.
    package init(path: String) throws(GGUFError) {
        try self.init(joining: GGUFFile(MappedFile(path: path)))
    }

    /// Reads a GGUF file from memory; `name` replaces its path in messages.
    package init(bytes: [UInt8], name: String) throws(GGUFError) {
        try self.init(joining: GGUFFile(MappedFile(copying: bytes, name: name)))
    }

    /// Reads one file on its own, even if it is a shard.
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

    /// Adds the tensors of the other shards to those of `first`, if it is the first of a split model.
    private init(joining first: GGUFFile) throws(GGUFError) {
        let others = try GGUFSplit(first)?.otherShards() ?? []
        files = first.files + others.flatMap(\.files)
        version = first.version
        metadata = first.metadata
        metadataKeys = first.metadataKeys
        // `otherShards` has refused tensors that occur twice.
        tensors = others.reduce(into: first.tensors) { $0.merge($1.tensors) { known, _ in known } }
        tensorNames = first.tensorNames + others.flatMap(\.tensorNames)
    }

    /// The file as it would be with another text in its metadata.
    func replacing(_ key: String, with text: String) -> GGUFFile {
        var file = self
        if file.metadata.updateValue(.string(text), forKey: key) == nil { file.metadataKeys.append(key) }
        return file
    }

    /// The path as the caller gave it.
    package var path: String { files[0].path }

    /// The size of the file, or of all shards, in bytes.
    package var byteCount: Int { files.reduce(0) { $0 + $1.count } }

    /// An error about this file.
    package func error(_ reason: GGUFError.Reason) -> GGUFError {
        GGUFError(path: path, reason: reason)
    }

    /// The tensor called `name`. Throws if it is missing, has other dimensions, or has a weight type without kernels.
    ///
    /// - Parameter dimensions: the first varies fastest; nil accepts any.
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
