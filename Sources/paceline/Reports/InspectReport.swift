import PacelineModel
import PacelineTensor

/// What `inspect` tells of a GGUF file.
struct InspectReport: Encodable {
    /// All tensors of one weight type.
    struct WeightType: Encodable {
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

    struct Tensor: Encodable {
        var name: String
        var type: String
        var dimensions: [Int]
        var bytes: Int
    }

    /// What serving the model takes.
    struct Memory: Encodable {
        var context: Int
        var sequences: Int
        var keyValueType: String
        var weights: Int
        var keysAndValues: Int
        var buffers: Int
        var total: Int
        /// Nil where the system does not tell.
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
    var bytes: Int
    var version: Int
    /// Why this program cannot run the model; nil if it can.
    var problem: String?
    var metadata: [MetadataEntry]
    var weightTypes: [WeightType]
    /// Present where the model can be run.
    var memory: Memory?
    /// Present when asked for.
    var tensors: [Tensor]?

    enum CodingKeys: String, CodingKey {
        case path, bytes, problem, metadata, memory, tensors
        case version = "gguf_version"
        case weightTypes = "weight_types"
    }

    init(_ file: GGUFFile, listsTensors: Bool) {
        path = file.path
        bytes = file.file.count
        version = Int(file.version)
        problem = Self.problem(with: file)
        metadata = file.metadataKeys.compactMap { key in
            file.metadata[key].map { MetadataEntry(key: key, value: $0) }
        }
        let all = file.tensorNames.compactMap { file.tensors[$0] }
        weightTypes = Self.weightTypes(all)
        if listsTensors {
            tensors = all.map {
                Tensor(name: $0.name, type: $0.typeName, dimensions: $0.dimensions, bytes: $0.range.count)
            }
        }
    }

    private static func problem(with file: GGUFFile) -> String? {
        do {
            _ = try ModelConfiguration(file)
            _ = try Tokenizer(file)
            for name in file.tensorNames { _ = try file.tensor(name) }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static func weightTypes(_ tensors: [GGUFTensor]) -> [WeightType] {
        Dictionary(grouping: tensors, by: \.typeName)
            .map { type, tensors in
                WeightType(
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
        var text = "\(path)\nGGUF version \(version), \(bytes.asBytes)\n"
        text += problem.map { "cannot be run here: \($0)\n" } ?? "can be run here\n"
        text += "\n" + metadataTable.text + "\n" + typeTable.text
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
