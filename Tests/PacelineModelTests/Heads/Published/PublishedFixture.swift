import Foundation
import PacelineModel
import PacelineSpeculation
import PacelineTestKit

/// A head with random weights as a publisher's files have it: tensors by name, and the keys of its configuration.
///
/// The target has 40 tokens, of which the last two are padding, is 32 wide and has 12 layers.
struct PublishedFixture {
    struct Tensor {
        var type: String
        var shape: [Int]
        var bytes: [UInt8]
    }

    static let target = HeadTarget(
        name: "target",
        fingerprint: "0123456789ab",
        tokenizer: "feed",
        width: 32,
        vocabularySize: 40,
        layers: 12,
        taps: [.normedOutput]
    )
    static let tokenCount = 38

    /// What matrices and vectors are stored as.
    let type: String
    var tensors: [String: Tensor] = [:]
    /// As the files store them, row by row.
    var numbers: [String: [Double]] = [:]
    /// Raw JSON by key.
    var configuration: [String: String] = [:]
    private var random: SplitMix

    init(type: String, seed: UInt64) {
        (self.type, random) = (type, SplitMix(seed: seed))
    }

    mutating func add(_ name: String, _ shape: [Int], size: Double = 0.4, around middle: Double = 0) {
        var (bytes, stored) = ([UInt8](), [Double]())
        for _ in 0..<shape.reduce(1, *) {
            let number = Float(middle + (2 * random.nextUnit() - 1) * size)
            switch type {
            case "F16":
                let half = Float16(number)
                stored.append(Double(half))
                withUnsafeBytes(of: half.bitPattern) { bytes += $0 }
            case "BF16":
                let upper = UInt16(number.bitPattern >> 16)
                stored.append(Double(Float(bitPattern: UInt32(upper) << 16)))
                withUnsafeBytes(of: upper) { bytes += $0 }
            default:
                stored.append(Double(number))
                withUnsafeBytes(of: number) { bytes += $0 }
            }
        }
        tensors[name] = Tensor(type: type, shape: shape, bytes: bytes)
        numbers[name] = stored
    }

    mutating func add(_ name: String, integers: [Int]) {
        let bytes = integers.flatMap { number in withUnsafeBytes(of: Int64(number)) { Array($0) } }
        tensors[name] = Tensor(type: "I64", shape: [integers.count], bytes: bytes)
    }

    /// The tensors of a llama layer that reads rows of some width.
    mutating func addLayer(_ prefix: String, inputs: Int, hasBias: Bool = false) {
        for (part, rows) in [("q", 32), ("k", 16), ("v", 16)] {
            add("\(prefix)self_attn.\(part)_proj.weight", [rows, inputs])
            if hasBias { add("\(prefix)self_attn.\(part)_proj.bias", [rows]) }
        }
        add("\(prefix)self_attn.o_proj.weight", [32, 32])
        add("\(prefix)mlp.gate_proj.weight", [48, 32])
        add("\(prefix)mlp.up_proj.weight", [48, 32])
        add("\(prefix)mlp.down_proj.weight", [32, 48])
        add("\(prefix)post_attention_layernorm.weight", [32], around: 1)
    }

    mutating func setLayerConfiguration() {
        configuration.merge(Self.layerConfiguration) { _, new in new }
    }

    static let layerConfiguration = [
        "hidden_size": "32", "intermediate_size": "48", "num_attention_heads": "4", "num_key_value_heads": "2",
        "rms_norm_eps": "1e-5", "rope_theta": "500.0", "vocab_size": "40", "hidden_act": "\"silu\"",
    ]

    // MARK: Layouts

    static func eagle(type: String = "F16", hasBias: Bool = true) -> PublishedFixture {
        var head = PublishedFixture(type: type, seed: 21)
        head.add("embed_tokens.weight", [40, 32])
        head.add("fc.weight", [32, 64])
        if hasBias { head.add("fc.bias", [32]) }
        head.addLayer("layers.0.", inputs: 32, hasBias: !hasBias)
        head.setLayerConfiguration()
        head.configuration["num_hidden_layers"] = "1"
        return head
    }

    /// EAGLE-3 in a layout whose layer has some name.
    static func eagle3(_ prefix: String = "midlayer.", type: String = "F16", hasBias: Bool = false) -> PublishedFixture
    {
        var head = PublishedFixture(type: type, seed: 22)
        head.add("fc.weight", [32, 96])
        head.addLayer(prefix, inputs: 64, hasBias: hasBias)
        for name in ["\(prefix)input_layernorm.weight", "\(prefix)hidden_norm.weight", "norm.weight"] {
            head.add(name, [32], around: 1)
        }
        head.add("lm_head.weight", [tokens.count, 32])
        head.add("d2t", integers: tokens.enumerated().map { $1 - $0 })
        head.tensors["t2d"] = Tensor(
            type: "BOOL",
            shape: [40],
            bytes: (0..<40).map { tokens.contains($0) ? 1 : 0 }
        )
        head.setLayerConfiguration()
        head.configuration["draft_vocab_size"] = "\(tokens.count)"
        head.configuration["architectures"] = "[\"LlamaForCausalLMEagle3\"]"
        return head
    }

    /// What the draft tokens of ``eagle3(_:type:hasBias:)`` stand for. The last is padding.
    static let tokens = (0..<40).filter { $0 % 3 == 0 || $0 == 7 }

    /// SpecForge's file with the options of EAGLE-3.1.
    static var specForge: PublishedFixture {
        var head = eagle3(type: "BF16")
        for tap in 0..<3 { head.add("fc_norm.\(tap).weight", [32], around: 1) }
        head.configuration["fc_norm"] = "true"
        head.configuration["norm_output"] = "true"
        head.configuration["eagle_config"] =
            "{\"eagle_aux_hidden_state_layer_ids\": [0, 4, 10], \"use_aux_hidden_state\": true}"
        return head
    }

    static var speculators: PublishedFixture {
        var head = eagle3("layers.0.", type: "F32")
        head.add("embed_tokens.weight", [40, 32])
        head.add("input_norm.weight", [96], around: 1)
        var layer = layerConfiguration
        layer["rope_scaling"] = """
            {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64}
            """
        head.configuration = [
            "architectures": "[\"Eagle3Speculator\"]", "norm_before_residual": "true", "norm_before_fc": "true",
            "draft_vocab_size": "\(tokens.count)", "eagle_aux_hidden_state_layer_ids": "[1, 6, 12]",
            "transformer_layer_config": json(layer),
        ]
        return head
    }

    static var medusa: PublishedFixture {
        var head = PublishedFixture(type: "F32", seed: 23)
        for index in 0..<3 {
            for block in 0..<2 {
                head.add("\(index).\(block).linear.weight", [32, 32])
                head.add("\(index).\(block).linear.bias", [32])
            }
        }
        return head
    }

    // MARK: Files

    static func json(_ entries: [String: String]) -> String {
        "{" + entries.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }

    /// A safetensors file.
    var bytes: [UInt8] {
        var (entries, data) = (["__metadata__": "{\"format\": \"pt\"}"], [UInt8]())
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let place = "[\(data.count), \(data.count + tensor.bytes.count)]"
            entries[name] = "{\"dtype\": \"\(tensor.type)\", \"shape\": \(tensor.shape), \"data_offsets\": \(place)}"
            data += tensor.bytes
        }
        return Self.file(header: Self.json(entries), data: data)
    }

    static func file(header: String, data: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + data
    }

    /// Runs `body` with the path of a file, with its configuration beside it.
    func withFile<R>(_ bytes: [UInt8]? = nil, name: String = "model.safetensors", _ body: (String) throws -> R) throws
        -> R
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("head-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        if !configuration.isEmpty {
            try Data(Self.json(configuration).utf8).write(to: folder.appendingPathComponent("config.json"))
        }
        let file = folder.appendingPathComponent(name)
        try Data(bytes ?? self.bytes).write(to: file)
        return try body(file.path)
    }

    func open() throws -> HeadFile {
        try withFile { try HeadFile.open(path: $0, for: Self.target, tokenCount: Self.tokenCount) }
    }

    func taps() throws -> [FeatureTap] {
        try withFile { try HeadFile.taps(path: $0, for: Self.target) }
    }
}
