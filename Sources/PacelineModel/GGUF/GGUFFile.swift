/// An opened GGUF model file: its metadata and its tensors, checked against the file's size.
///
/// Opening reads the head only and copies no arrays and no weights. Values and tensors keep the file mapped.
package struct GGUFFile: Sendable {
    /// The mapped file.
    package let file: MappedFile
    /// 2 or 3.
    package let version: UInt32
    package let metadata: [String: GGUFValue]
    /// The metadata's keys in the file's order.
    package let metadataKeys: [String]
    package let tensors: [String: GGUFTensor]
    /// The tensors' names in the file's order.
    package let tensorNames: [String]

    /// Opens the file at `path`.
    package init(path: String) throws(GGUFError) {
        try self.init(MappedFile(path: path))
    }

    /// Reads a GGUF file held in memory; `name` stands for its path in messages.
    package init(bytes: [UInt8], name: String) throws(GGUFError) {
        try self.init(MappedFile(copying: bytes, name: name))
    }

    private init(_ file: MappedFile) throws(GGUFError) {
        do throws(GGUFError.Reason) {
            let parser = try file.withBytes { (bytes) throws(GGUFError.Reason) -> GGUFParser in
                try GGUFParser(bytes, of: file)
            }
            self.file = file
            version = parser.version
            metadata = parser.metadata
            metadataKeys = parser.metadataKeys
            tensors = parser.tensors
            tensorNames = parser.tensorNames
        } catch {
            throw GGUFError(path: file.path, reason: error)
        }
    }

    /// The path it was opened with.
    package var path: String { file.path }

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
