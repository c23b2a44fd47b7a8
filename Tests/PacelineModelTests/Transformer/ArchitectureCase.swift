import Foundation
import PacelineTestKit
import Testing

/// A family with all of its features, their meaning in plain numbers, and ways to misread them.
struct ArchitectureCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let model: TinyModel
    let describe: @Sendable (inout ReferenceTransformer) -> Void
    /// Ways to misread the family. Each must change the logits.
    let mistakes: [Mistake]

    struct Mistake: Sendable {
        let name: String
        let make: @Sendable (inout ReferenceTransformer) -> Void

        init(_ name: String, _ make: @escaping @Sendable (inout ReferenceTransformer) -> Void) {
            self.name = name
            self.make = make
        }
    }

    var reference: ReferenceTransformer {
        var reference = ReferenceTransformer(model)
        describe(&reference)
        return reference
    }

    init(
        _ family: TinyModel.Family,
        _ change: (inout TinyModel) -> Void,
        means describe: @escaping @Sendable (inout ReferenceTransformer) -> Void,
        mistakes: [Mistake]
    ) {
        var model = TinyModel()
        model.family = family
        model.weights = .f32
        model.embeddingLength = 64
        model.feedForwardLength = 96
        change(&model)
        testDescription = family.rawValue
        self.model = model
        self.describe = describe
        self.mistakes = mistakes + Self.everyFamily
    }

    /// The same model with quantised weights.
    func quantised(_ format: WeightFormat) -> TinyModel {
        var model = model
        model.weights = format
        return model
    }

    private static let everyFamily = [
        Mistake("neighbours and halves confused") { $0.pairsHalves.toggle() },
        Mistake("rotation base × 2") { $0.bases = $0.bases.map { $0 * 2 } },
        Mistake("queries scaled by another width") { $0.queryScale *= 1.2 },
        Mistake("the other gate function") { $0.usesGELU.toggle() },
        Mistake("gate and up swapped") { reference in
            for block in 0..<reference.blockCount {
                let (gate, up) = ("blk.\(block).ffn_gate.weight", "blk.\(block).ffn_up.weight")
                guard let second = reference.weights[up] else { continue }
                if let first = reference.weights[gate] {
                    (reference.weights[gate], reference.weights[up]) = (second, first)
                } else {
                    let half = second.count / 2
                    reference.weights[up] = Array(second[half...] + second[..<half])
                }
            }
        },
        Mistake("embeddings scaled by another number") { $0.embeddingScale *= 1.1 },
    ]

    private static let noWindow = Mistake("no window") { $0.windows = $0.windows.map { _ in nil } }
    private static let longerWindow = Mistake("a window one token longer") {
        $0.windows = $0.windows.map { $0.map { $0 + 1 } }
    }

    private static func without(_ tensor: String) -> Mistake {
        Mistake("without \(tensor)") { reference in
            for block in 0..<reference.blockCount { reference.weights["blk.\(block).\(tensor).weight"] = nil }
        }
    }

    static let all = [llama, mistral3, qwen2, qwen3, phi3, gemma3]

    static let llama = ArchitectureCase(
        .llama,
        { model in
            model.rope.linearFactor = 4
            model.slidingWindow = 9
        },
        means: { reference in
            reference.pairsHalves = false
            reference.positionDivisors = [4, 4]
            reference.windows = [9, 9]
        },
        mistakes: [
            noWindow, longerWindow, Mistake("positions unscaled") { $0.positionDivisors = [1, 1] },
        ]
    )

    static let mistral3 = ArchitectureCase(
        .mistral3,
        { model in
            model.headDimension = 32
            model.slidingWindow = 7
            model.rope.linearFactor = 4
            model.rope.yarnFastTurns = 4
            model.rope.originalContextLength = 64
            model.temperature = (scale: 0.6, length: 9)
        },
        means: { reference in
            reference.pairsHalves = false
            reference.windows = [7, 7]
            // Pairs 0 and 1 turn at least four times in 64 tokens; pairs from 5 on turn less than once.
            reference.frequencyDivisors = [1, 1, 1 / 0.8125, 1 / 0.625, 1 / 0.4375] + Array(repeating: 4, count: 11)
            reference.magnitude = 1 + 0.1 * log(4)
            reference.temperature = { 1 + 0.6 * log(Double(1 + $0 / 9)) }
        },
        mistakes: [
            noWindow, longerWindow, Mistake("no magnitude") { $0.magnitude = 1 },
            Mistake("linear scaling instead of YaRN") { $0.frequencyDivisors = Array(repeating: 4, count: 16) },
            Mistake("a ramp one pair earlier") { reference in
                reference.frequencyDivisors = [1, 1 / 0.8125, 1 / 0.625, 1 / 0.4375] + Array(repeating: 4, count: 12)
            },
            Mistake("no temperature") { $0.temperature = { _ in 1 } },
            Mistake("temperature from the first token on") { $0.temperature = { 1 + 0.6 * log(Double(2 + $0 / 9)) } },
        ]
    )

    static let qwen2 = ArchitectureCase(.qwen2, { _ in }, means: { _ in }, mistakes: [])

    static let qwen3 = ArchitectureCase(
        .qwen3,
        { model in
            model.headDimension = 32
            model.rope.base = 1_000_000
            model.hasTiedEmbeddings = true
        },
        means: { $0.bases = [1_000_000, 1_000_000] },
        mistakes: [without("attn_q_norm"), without("attn_k_norm")]
    )

    private static let longFactors: [Float] = [1, 1.1, 1.5, 2.5, 6, 20]

    static let phi3 = ArchitectureCase(
        .phi3,
        { model in
            model.slidingWindow = 10
            model.rope.dimensions = 12
            model.rope.originalContextLength = 512
            model.rope.magnitude = 1.19
            model.rope.factors = [
                "rope_factors_long.weight": longFactors,
                "rope_factors_short.weight": [1, 1, 1, 1.05, 1.1, 1.2],
            ]
        },
        means: { reference in
            reference.rotatedDimensions = 12
            reference.frequencyDivisors = longFactors.map(Double.init)
            reference.magnitude = 1.19
            reference.windows = [10, 10]
        },
        mistakes: [
            noWindow, longerWindow, Mistake("no magnitude") { $0.magnitude = 1 },
            Mistake("short factors") { $0.frequencyDivisors = [1, 1, 1, 1.05, 1.1, 1.2] },
            Mistake("all dimensions rotated") { reference in
                reference.rotatedDimensions = reference.headDimension
                reference.frequencyDivisors += [1, 1]
            },
        ]
    )

    static let gemma3 = ArchitectureCase(
        .gemma3,
        { model in
            model.blockCount = 7
            model.headDimension = 48
            model.slidingWindow = 8
            model.rope.base = 1_000_000
            model.rope.linearFactor = 8
            model.hasTiedEmbeddings = true
        },
        means: { reference in
            reference.bases = [10_000, 10_000, 10_000, 10_000, 10_000, 1_000_000, 10_000]
            reference.positionDivisors = [1, 1, 1, 1, 1, 8, 1]
            reference.windows = [8, 8, 8, 8, 8, nil, 8]
            reference.embeddingScale = 8
            reference.usesGELU = true
        },
        mistakes: [
            noWindow, longerWindow, without("attn_q_norm"), without("attn_k_norm"),
            without("post_attention_norm"), without("post_ffw_norm"),
            Mistake("a window in the global block") { $0.windows[5] = 8 },
            Mistake("the global base everywhere") { $0.bases = $0.bases.map { _ in 1_000_000 } },
            Mistake("the local base in the global block") { $0.bases[5] = 10_000 },
            Mistake("positions of the global block unscaled") { $0.positionDivisors[5] = 1 },
            Mistake("positions of local blocks scaled") { $0.positionDivisors = $0.positionDivisors.map { _ in 8 } },
            Mistake("the global block one earlier") { reference in
                reference.windows.swapAt(4, 5)
                reference.bases.swapAt(4, 5)
                reference.positionDivisors.swapAt(4, 5)
            },
            Mistake("embeddings unscaled") { $0.embeddingScale = 1 },
        ]
    )
}
