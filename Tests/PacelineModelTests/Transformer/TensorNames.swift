import PacelineTestKit
import Testing

/// The tensors of a family's models with the names of llama.cpp's converter, listed independently of the engine.
///
/// Source: llama.cpp, src/models/{llama,mistral3,qwen2,qwen3,phi3,gemma3}.cpp and create_tensor_qkv.
struct TensorNames: Sendable, CustomTestStringConvertible {
    let model: TinyModel
    /// Tensors that each block must have, and biases that it may have.
    let block: [String]
    let blockBiases: [String]
    /// Tensors of the whole model.
    let globals: [String]
    let globalBiases: [String]
    /// Tensors of frequency divisors that the file may have.
    let ropeFactors: [String]

    var testDescription: String { model.family.rawValue }

    private init(
        _ family: TinyModel.Family,
        block: [String],
        blockBiases: [String],
        globalBiases: [String] = [],
        ropeFactors: [String] = []
    ) {
        var model = TinyModel()
        model.family = family
        model.embeddingLength = 64
        model.feedForwardLength = 96
        self.model = model
        self.block = block
        self.blockBiases = blockBiases
        globals = ["token_embd.weight", "output_norm.weight"]
        self.globalBiases = globalBiases
        self.ropeFactors = ropeFactors
    }

    private static let llama = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
    private static let plain = weights(["attn_norm", "ffn_norm"] + llama)

    private static func weights(_ stems: [String]) -> [String] { stems.map { $0 + ".weight" } }
    private static func biases(_ stems: [String]) -> [String] { stems.map { $0 + ".bias" } }

    static let families = [
        TensorNames(.llama, block: plain, blockBiases: biases(llama), ropeFactors: ["rope_freqs.weight"]),
        TensorNames(.mistral3, block: plain, blockBiases: biases(llama), ropeFactors: ["rope_freqs.weight"]),
        TensorNames(
            .qwen2,
            block: plain + biases(["attn_q", "attn_k", "attn_v"]),
            blockBiases: [],
            globalBiases: ["output.bias"]
        ),
        TensorNames(
            .qwen3,
            block: plain + weights(["attn_q_norm", "attn_k_norm"]),
            blockBiases: biases(["attn_q", "attn_k", "attn_v"])
        ),
        TensorNames(
            .phi3,
            block: weights(["attn_norm", "ffn_norm", "attn_qkv", "attn_output", "ffn_up", "ffn_down"]),
            blockBiases: ["attn_qkv.bias"],
            ropeFactors: ["rope_factors_long.weight", "rope_factors_short.weight"]
        ),
        TensorNames(
            .gemma3,
            block: plain + weights(["attn_q_norm", "attn_k_norm", "post_attention_norm", "post_ffw_norm"]),
            blockBiases: biases(["attn_q", "attn_k", "attn_v"])
        ),
    ]

    /// All tensors that a file must have.
    var required: [String] {
        globals + (0..<model.blockCount).flatMap { index in block.map { "blk.\(index).\($0)" } }
    }

    /// All biases that it may also have.
    var optionalBiases: [String] {
        globalBiases + (0..<model.blockCount).flatMap { index in blockBiases.map { "blk.\(index).\($0)" } }
    }

    /// The number of values in an optional vector.
    func length(of name: String) -> Int {
        let (head, heads, keys) = (model.embeddingLength / model.headCount, model.headCount, model.keyValueHeadCount)
        switch name.split(separator: ".").dropLast().last {
        case "attn_q": return heads * head
        case "attn_k", "attn_v": return keys * head
        case "attn_qkv": return (heads + 2 * keys) * head
        case "ffn_gate", "ffn_up": return model.feedForwardLength
        case "output": return TinyVocabulary.shared.tokens.count
        case "rope_freqs", "rope_factors_long", "rope_factors_short": return head / 2
        default: return model.embeddingLength
        }
    }

    /// The family's reference without windows and scaling.
    func reference(_ model: TinyModel) -> ReferenceTransformer {
        var reference = ReferenceTransformer(model)
        reference.pairsHalves = model.family != .llama && model.family != .mistral3
        guard model.family == .gemma3 else { return reference }
        reference.usesGELU = true
        reference.embeddingScale = Double(model.embeddingLength).squareRoot()
        return reference
    }

    /// Tensor names from GGUF files of many families, and some that no family has.
    static let everywhere: [String] = {
        let stems = [
            "attn_norm", "attn_norm_2", "attn_q", "attn_k", "attn_v", "attn_qkv", "attn_output", "attn_output_norm",
            "attn_sub_norm", "attn_rot_embd", "attn_sinks", "attn_gate", "attn_q_norm", "attn_k_norm", "attn_q_a",
            "attn_q_b", "attn_kv_a_mqa", "attn_kv_b", "post_attention_norm", "ffn_norm", "pre_ffw_norm",
            "post_ffw_norm", "ffn_gate", "ffn_up", "ffn_down", "ffn_act", "ffn_sub_norm", "ffn_gate_inp",
            "ffn_gate_exps",
            "ffn_up_exps", "ffn_down_exps", "ffn_gate_up_exps", "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp",
            "exp_probs_b", "layer_output_norm", "layer_output_scale", "ssm_in", "ssm_conv1d", "inp_gate", "proj",
            "nextn.eh_proj", "nextn.shared_head_norm", "rotary_emb.inv_freq",
        ]
        let inBlocks = stems.flatMap { stem in ["weight", "bias", "scale", "input_scale"].map { "\(stem).\($0)" } }
        return inBlocks.flatMap { ["blk.0.\($0)", "blk.1.\($0)"] } + [
            "token_embd.bias", "token_embd_norm.weight", "token_types.weight", "position_embd.weight",
            "per_layer_token_embd.weight", "output_norm.bias", "output.bias", "output.scale", "output", "cls.weight",
            "cls.output.weight", "dense_2.weight", "rope_freqs.weight", "rope_freqs", "rope_factors_long.weight",
            "rope_factors_short.weight", "lm_head.weight", "model.embed_tokens.weight", "blk.2.attn_norm.weight",
            "blk.2.attn_q.bias", "blk.00.attn_q.bias", "blk.-1.attn_q.bias", "blk.0.attn_q.BIAS", "blk.0.attn_q.bias ",
            "nonsense", "",
        ]
    }()
}
