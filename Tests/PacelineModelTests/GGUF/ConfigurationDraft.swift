import PacelineModel
import PacelineTestKit
import Testing

/// A llama of one block with editable metadata. It has only the tensor that reading a configuration needs.
struct ConfigurationDraft {
    var architecture = "llama"
    var numbers: [(String, UInt32)] = [
        ("block_count", 1), ("context_length", 64), ("embedding_length", 32), ("feed_forward_length", 64),
        ("attention.head_count", 4), ("attention.head_count_kv", 2),
    ]
    var floats: [(String, Float)] = [("attention.layer_norm_rms_epsilon", 1e-5)]
    var strings: [(String, String)] = []
    var embedding: [UInt64] = [32, 5]
    /// Metadata of other kinds.
    var values: [(String, GGUFWriter.Value)] = []

    mutating func set(_ key: String, _ value: UInt32) {
        numbers.removeAll { $0.0 == key }
        numbers.append((key, value))
    }

    func configuration() throws -> ModelConfiguration {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string(architecture))
        for (key, value) in numbers { writer.add("\(architecture).\(key)", .uint32(value)) }
        for (key, value) in floats { writer.add("\(architecture).\(key)", .float32(value)) }
        for (key, value) in strings { writer.add("\(architecture).\(key)", .string(value)) }
        for (key, value) in values { writer.add("\(architecture).\(key)", value) }
        let bytes = [UInt8](repeating: 0, count: Int(embedding.reduce(4, *)))
        writer.addTensor("token_embd.weight", dimensions: embedding, type: 0, bytes: bytes)
        return try ModelConfiguration(GGUFFile(bytes: writer.serialised(), name: "m.gguf"))
    }

    func refusal() -> String? {
        #expect(throws: GGUFError.self) { try configuration() }?.description
    }

    /// The error from reading the configuration, or an empty array.
    var refusals: [String] {
        do {
            _ = try configuration()
            return []
        } catch {
            return ["\(error)"]
        }
    }
}
