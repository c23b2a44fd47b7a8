import PacelineModel
import PacelineTensor

/// What `inspect` prints about a GGUF file.
struct InspectReport: Encodable {
    /// All tensors of one weight type.
    struct TypeShare: Encodable {
        var type: String
        var tensors: Int
        var weights: Int
        var bytes: Int
        /// Whether there are kernels for it.
        var isSupported: Bool

        enum CodingKeys: String, CodingKey {
            case type, tensors, weights, bytes
            case isSupported = "supported"
        }
    }

    /// One of the files of a split model.
    struct Shard: Encodable {
        var path: String
        var bytes: Int
        var tensors: Int
    }

    struct Tensor: Encodable {
        var name: String
        var type: String
        var dimensions: [Int]
        var bytes: Int
    }

    /// The memory that serving the model needs.
    struct Memory: Encodable {
        var context: Int
        var sequences: Int
        var keyValueType: String
        var weights: Int
        var keysAndValues: Int
        var buffers: Int
        var total: Int
        /// nil if the system does not say.
        var available: Int?

        enum CodingKeys: String, CodingKey {
            case context, sequences
            case keyValueType = "kv_type"
            case weights = "weights_bytes"
            case keysAndValues = "kv_bytes"
            case buffers = "buffers_bytes"
            case total = "total_bytes"
            case available = "available_bytes"
        }

        init(_ demand: MemoryDemand) {
            context = demand.contextLength
            sequences = demand.sequences
            keyValueType = demand.cacheType.rawValue
            weights = demand.weights
            keysAndValues = demand.cache
            buffers = demand.buffers
            total = demand.total
            available = SystemMemory.available()
        }
    }

    var path: String
    /// The size of all shards together.
    var bytes: Int
    var version: Int
    /// Present if the model is split.
    var shards: [Shard]?
    /// Why this program cannot run the model; nil if it can.
    var problem: String?
    var metadata: [MetadataEntry]
    var weightTypes: [TypeShare]
    /// Present if the model can be run.
    var memory: Memory?
    /// Present when asked for.
    var tensors: [Tensor]?

    enum CodingKeys: String, CodingKey {
        case path, bytes, shards, problem, metadata, memory, tensors
        case version = "gguf_version"
        case weightTypes = "weight_types"
    }

    /// - Parameter model: the loaded model file, or the error that loading threw.
    init(_ file: GGUFFile, model: Result<ModelFile, any Error>, listsTensors: Bool) {
        path = file.path
        bytes = file.byteCount
        version = Int(file.version)
        if case .failure(let error) = model { problem = "\(error)" }
        metadata = file.metadataKeys.compactMap { key in
            file.metadata[key].map { MetadataEntry(key: key, value: $0) }
        }
        let all = file.tensorNames.compactMap { file.tensors[$0] }
        weightTypes = Self.weightTypes(all)
        if file.files.count > 1 {
            shards = file.files.map { shard in
                Shard(path: shard.path, bytes: shard.count, tensors: all.count { $0.file === shard })
            }
        }
        if listsTensors {
            tensors = all.map {
                Tensor(name: $0.name, type: $0.typeName, dimensions: $0.dimensions, bytes: $0.range.count)
            }
        }
    }

    private static func weightTypes(_ tensors: [GGUFTensor]) -> [TypeShare] {
        Dictionary(grouping: tensors, by: \.typeName)
            .map { type, tensors in
                TypeShare(
                    type: type,
                    tensors: tensors.count,
                    weights: tensors.reduce(0) { $0.addingClamped($1.elementCount) },
                    bytes: tensors.reduce(0) { $0.addingClamped($1.range.count) },
                    isSupported: tensors[0].isSupported
                )
            }
            .sorted { ($0.bytes, $0.type) > ($1.bytes, $1.type) }
    }
}

// MARK: For people

extension InspectReport {
    var text: String {
        let size = shards.map { "\(bytes.asBytes) in \($0.count) shards" } ?? bytes.asBytes
        var text = "\(path)\nGGUF version \(version), \(size)\n"
        text += problem.map { "cannot be run here: \($0)\n" } ?? "can be run here\n"
        text += "\n" + metadataTable.text + "\n" + typeTable.text
        if let shards { text += "\n" + Self.table(of: shards).text }
        if let memory { text += "\n" + memory.text }
        if let tensors {
            var table = TextTable(header: ["tensor", "type", "dimensions", "size"], rightAligned: [3])
            for tensor in tensors {
                let dimensions = tensor.dimensions.map(String.init).joined(separator: " x ")
                table.append([tensor.name, tensor.type, dimensions, tensor.bytes.asBytes])
            }
            text += "\n" + table.text
        }
        return text
    }

    private static func table(of shards: [Shard]) -> TextTable {
        var table = TextTable(header: ["shard", "tensors", "size"], rightAligned: [1, 2])
        for shard in shards { table.append([shard.path, "\(shard.tensors)", shard.bytes.asBytes]) }
        return table
    }

    private var metadataTable: TextTable {
        var table = TextTable(header: ["metadata", "value"])
        for entry in metadata { table.append([entry.key, entry.shortText]) }
        return table
    }

    private var typeTable: TextTable {
        var table = TextTable(header: ["weight type", "tensors", "weights", "size", ""], rightAligned: [1, 2, 3])
        for type in weightTypes {
            table.append([
                type.type, "\(type.tensors)", type.weights.asCount, type.bytes.asBytes,
                type.isSupported ? "" : "no kernels",
            ])
        }
        let total = weightTypes.reduce((0, 0, 0)) {
            ($0.0 + $1.tensors, $0.1.addingClamped($1.weights), $0.2.addingClamped($1.bytes))
        }
        table.append(["all", "\(total.0)", total.1.asCount, total.2.asBytes])
        return table
    }
}

extension InspectReport.Memory {
    var text: String {
        var table = TextTable(header: ["memory to serve it", "size"], rightAligned: [1])
        table.append(["weights", weights.asBytes])
        table.append(["keys and values, \(sequences) x \(context) tokens, \(keyValueType)", keysAndValues.asBytes])
        table.append(["buffers and program", buffers.asBytes])
        table.append(["all", total.asBytes])
        if let available { table.append(["available here", available.asBytes]) }
        return table.text
    }
}
