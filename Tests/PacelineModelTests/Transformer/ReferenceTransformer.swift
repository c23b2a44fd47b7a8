import Foundation
import PacelineSpeculation
import PacelineTestKit

/// A readable transformer for every family, in double precision, that shares no code with the engine. It recomputes all
/// positions of a text in every pass. Plain numbers and the tensors that are present express how families differ.
struct ReferenceTransformer {
    /// Tensor values by name; matrices row by row.
    var weights: [String: [Float]]
    var blockCount: Int
    var width: Int
    var heads: Int
    var keyValueHeads: Int
    var headDimension: Int
    var feedForward: Int
    var epsilon = 1e-5

    /// Whether rotation pairs dimension i with i + half of the rotated ones; otherwise it pairs neighbours.
    var pairsHalves = true
    var rotatedDimensions: Int
    /// The rotation base of each block.
    var bases: [Double]
    /// The divisor of positions in each block.
    var positionDivisors: [Double]
    /// The divisor of each pair's frequency.
    var frequencyDivisors: [Double]
    var magnitude = 1.0
    /// The number of latest tokens that each block attends to; nil for all.
    var windows: [Int?]
    var queryScale: Double
    /// An extra factor of the queries at a position.
    var temperature: @Sendable (Int) -> Double = { _ in 1 }
    var embeddingScale = 1.0
    var usesGELU = false

    /// Sets the numbers that do not depend on the family.
    init(_ model: TinyModel) {
        weights = Dictionary(uniqueKeysWithValues: model.tensors().map { ($0.name, $0.values) })
        blockCount = model.blockCount
        width = model.embeddingLength
        heads = model.headCount
        keyValueHeads = model.keyValueHeadCount
        headDimension = model.headDimension ?? model.embeddingLength / model.headCount
        feedForward = model.feedForwardLength
        rotatedDimensions = headDimension
        bases = Array(repeating: 10_000, count: model.blockCount)
        positionDivisors = Array(repeating: 1, count: model.blockCount)
        frequencyDivisors = Array(repeating: 1, count: headDimension / 2)
        windows = Array(repeating: nil, count: model.blockCount)
        queryScale = 1 / Double(headDimension).squareRoot()
    }

    /// The logits after each of `tokens`.
    func logits(_ tokens: [Token]) -> [[Double]] {
        let output = weights["output.weight"] ?? weights["token_embd.weight", default: []]
        return normed(streams(tokens)[blockCount]).map { biased(product(output, $0), "output.bias") }
    }

    /// Rows of the residual stream after the final norm.
    func normed(_ stream: [[Double]]) -> [[Double]] { stream.map { norm($0, "output_norm.weight") } }

    /// The residual stream before each block and after the last one, by position.
    func streams(_ tokens: [Token]) -> [[[Double]]] {
        let table = weights["token_embd.weight", default: []]
        var hidden = tokens.map { token in
            table[Int(token) * width..<Int(token) * width + width].map { Double($0) * embeddingScale }
        }
        var streams = [hidden]
        for block in 0..<blockCount {
            let prefix = "blk.\(block)."
            let attended = attention(hidden.map { norm($0, prefix + "attn_norm.weight") }, block: block)
            for position in hidden.indices {
                var row = hidden[position]
                row = sum(row, normIfPresent(attended[position], prefix + "post_attention_norm.weight"))
                let update = feedForward(norm(row, prefix + "ffn_norm.weight"), prefix)
                hidden[position] = sum(row, normIfPresent(update, prefix + "post_ffw_norm.weight"))
            }
            streams.append(hidden)
        }
        return streams
    }

    // MARK: Attention

    private func attention(_ inputs: [[Double]], block: Int) -> [[Double]] {
        let prefix = "blk.\(block)."
        let projected = inputs.enumerated().map { position, input in
            let (query, key, value) = projections(input, prefix)
            let turn = { (heads: [[Double]], name: String) in
                heads.map { rotated(normIfPresent($0, prefix + name), position: position, block: block) }
            }
            // The engine keeps keys and values as float16.
            return (
                queries: turn(split(query), "attn_q_norm.weight"),
                keys: turn(split(key), "attn_k_norm.weight").map { $0.map(half) },
                values: split(value).map { $0.map(half) }
            )
        }
        return inputs.indices.map { position in
            let first = windows[block].map { max(0, position + 1 - $0) } ?? 0
            let outputs = (0..<heads).flatMap { head in
                let shared = head / (heads / keyValueHeads)
                let seen = projected[first...position]
                let scores = seen.map {
                    dot(projected[position].queries[head], $0.keys[shared]) * queryScale * temperature(position)
                }
                return mixture(scores, seen.map { $0.values[shared] })
            }
            let output = product(weights[prefix + "attn_output.weight", default: []], outputs)
            return biased(output, prefix + "attn_output.bias")
        }
    }

    private func projections(_ input: [Double], _ prefix: String) -> ([Double], [Double], [Double]) {
        let (queries, keys) = (heads * headDimension, keyValueHeads * headDimension)
        if let fused = weights[prefix + "attn_qkv.weight"] {
            let all = biased(product(fused, input), prefix + "attn_qkv.bias")
            return (Array(all[..<queries]), Array(all[queries..<queries + keys]), Array(all[(queries + keys)...]))
        }
        let each = ["q", "k", "v"].map { name in
            biased(product(weights[prefix + "attn_\(name).weight", default: []], input), prefix + "attn_\(name).bias")
        }
        return (each[0], each[1], each[2])
    }

    private func split(_ values: [Double]) -> [[Double]] {
        stride(from: 0, to: values.count, by: headDimension).map { Array(values[$0..<$0 + headDimension]) }
    }

    private func rotated(_ head: [Double], position: Int, block: Int) -> [Double] {
        var result = head
        let half = rotatedDimensions / 2
        for pair in 0..<half {
            let frequency = pow(bases[block], -2 * Double(pair) / Double(rotatedDimensions))
            let angle = Double(position) / positionDivisors[block] * frequency / frequencyDivisors[pair]
            let (x, y) = pairsHalves ? (pair, pair + half) : (2 * pair, 2 * pair + 1)
            result[x] = (head[x] * cos(angle) - head[y] * sin(angle)) * magnitude
            result[y] = (head[x] * sin(angle) + head[y] * cos(angle)) * magnitude
        }
        return result
    }

    /// The values weighted by the softmax of the scores.
    private func mixture(_ scores: [Double], _ values: [[Double]]) -> [Double] {
        let largest = scores.max() ?? 0
        let exponentials = scores.map { exp($0 - largest) }
        let total = exponentials.reduce(0, +)
        return (0..<headDimension).map { dimension in
            zip(exponentials, values).reduce(0) { $0 + $1.0 * $1.1[dimension] } / total
        }
    }

    // MARK: Feed-forward

    private func feedForward(_ input: [Double], _ prefix: String) -> [Double] {
        var up = product(weights[prefix + "ffn_up.weight", default: []], input)
        var gate = up
        if let matrix = weights[prefix + "ffn_gate.weight"] {
            gate = biased(product(matrix, input), prefix + "ffn_gate.bias")
            up = biased(up, prefix + "ffn_up.bias")
        } else {
            gate = Array(up[..<feedForward])
            up = Array(up[feedForward...])
        }
        let gated = zip(gate, up).map { activation($0) * $1 }
        return biased(product(weights[prefix + "ffn_down.weight", default: []], gated), prefix + "ffn_down.bias")
    }

    private func activation(_ x: Double) -> Double {
        guard usesGELU else { return x / (1 + exp(-x)) }
        return 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }

    // MARK: Vectors

    private func norm(_ input: [Double], _ name: String) -> [Double] {
        let root = (input.reduce(0) { $0 + $1 * $1 } / Double(input.count) + epsilon).squareRoot()
        return zip(input, weights[name, default: []]).map { $0 / root * Double($1) }
    }

    private func normIfPresent(_ input: [Double], _ name: String) -> [Double] {
        weights[name] == nil ? input : norm(input, name)
    }

    private func biased(_ values: [Double], _ name: String) -> [Double] {
        weights[name].map { sum(values, $0.map(Double.init)) } ?? values
    }

    /// The matrix times the vector. A plain loop over pointers, because tests run unoptimised and spend nearly all
    /// their time here.
    private func product(_ matrix: [Float], _ input: [Double]) -> [Double] {
        var output = [Double](repeating: 0, count: matrix.count / input.count)
        matrix.withUnsafeBufferPointer { matrix in
            input.withUnsafeBufferPointer { input in
                guard let weights = matrix.baseAddress, let values = input.baseAddress else { return }
                for row in output.indices {
                    let start = weights + row * input.count
                    var (sum, column) = (0.0, 0)
                    while column < input.count {
                        sum += Double(start[column]) * values[column]
                        column += 1
                    }
                    output[row] = sum
                }
            }
        }
        return output
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + $1 } }

    private func half(_ x: Double) -> Double { Double(Float16(x)) }
}
