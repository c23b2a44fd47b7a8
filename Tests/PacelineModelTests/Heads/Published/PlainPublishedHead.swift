import Foundation

/// A published EAGLE or EAGLE-3 head written plainly, on the tensors as its file names them.
struct PlainPublishedHead {
    struct Options {
        var isThird = false
        var prefix = "layers.0."
        var normsResidual = false
        var feedsNormed = false
        var divisors = [1.0, 1, 1, 1]
    }

    let numbers: [String: [Double]]
    let embedding: [[Double]]
    /// The target's, all tokens.
    let output: [[Double]]
    let options: Options

    struct Row {
        /// The target's features, or what an earlier row put out.
        var feature: [Double]
        var isOwn: Bool
        var token: Int
    }

    private func linear(_ name: String, _ input: [Double]) -> [Double] {
        guard let weights = numbers["\(name).weight"] else { return [] }
        let bias = numbers["\(name).bias"]
        return (0..<weights.count / input.count).map { row in
            var sum = bias?[row] ?? 0
            for (column, value) in input.enumerated() { sum += weights[row * input.count + column] * value }
            return sum
        }
    }

    private func norm(_ name: String, _ input: [Double]) -> [Double] {
        guard let weights = numbers["\(name).weight"] else { return input }
        let root = (input.reduce(0) { $0 + $1 * $1 } / Double(input.count) + 1e-5).squareRoot()
        return zip(weights, input).map { $0 * $1 / root }
    }

    /// What enters the attention, and the residual.
    private func input(_ row: Row) -> (read: [Double], residual: [Double]) {
        let embedding = embedding[row.token]
        guard options.isThird else {
            let fused = linear("fc", embedding + row.feature)
            return (norm("\(options.prefix)input_layernorm", fused), fused)
        }
        var state = row.feature
        if !row.isOwn {
            var taps = norm("input_norm", row.feature)
            if numbers["fc_norm.0.weight"] != nil {
                taps = (0..<3).flatMap { norm("fc_norm.\($0)", Array(row.feature[$0 * 32..<($0 + 1) * 32])) }
            }
            state = linear("fc", taps)
        }
        let normed = norm("\(options.prefix)hidden_norm", state)
        let read = norm("\(options.prefix)input_layernorm", embedding) + normed
        return (read, options.normsResidual ? normed : state)
    }

    private func split(_ values: [Double]) -> [[Double]] {
        stride(from: 0, to: values.count, by: 8).map { Array(values[$0..<$0 + 8]) }
    }

    /// Hugging Face's rotate_half.
    private func rotate(_ values: [Double], _ position: Int) -> [Double] {
        var turned = values
        for pair in 0..<4 {
            let angle = Double(position) * pow(500, -Double(pair) / 4) / options.divisors[pair]
            turned[pair] = values[pair] * cos(angle) - values[pair + 4] * sin(angle)
            turned[pair + 4] = values[pair + 4] * cos(angle) + values[pair] * sin(angle)
        }
        return turned
    }

    /// What the last of some rows puts out for the next row.
    func carry(_ rows: [Row]) -> [Double] {
        let attention = "\(options.prefix)self_attn"
        let inputs = rows.map(input)
        let keys = inputs.enumerated().map { index, input in
            split(linear("\(attention).k_proj", input.read)).map { rotate($0, index) }
        }
        let values = inputs.map { split(linear("\(attention).v_proj", $0.read)) }
        let last = inputs[rows.count - 1]
        var attended: [Double] = []
        for (head, query) in split(linear("\(attention).q_proj", last.read)).enumerated() {
            let turned = rotate(query, rows.count - 1)
            let scores = keys.map { exp(zip(turned, $0[head / 2]).reduce(0) { $0 + $1.0 * $1.1 } / 8.0.squareRoot()) }
            let total = scores.reduce(0, +)
            for column in 0..<8 {
                attended.append(zip(scores, values).reduce(0) { $0 + $1.0 / total * $1.1[head / 2][column] })
            }
        }
        let middle = zip(last.residual, linear("\(attention).o_proj", attended)).map { $0 + $1 }
        let normed = norm("\(options.prefix)post_attention_layernorm", middle)
        let (gate, up) = (
            linear("\(options.prefix)mlp.gate_proj", normed), linear("\(options.prefix)mlp.up_proj", normed)
        )
        let raised = zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
        let state = zip(middle, linear("\(options.prefix)mlp.down_proj", raised)).map { $0 + $1 }
        return options.feedsNormed ? norm("norm", state) : state
    }

    /// By row of the head's output matrix, or by token of the target's.
    func logits(_ carry: [Double]) -> [Double] {
        let final = options.isThird && !options.feedsNormed ? norm("norm", carry) : carry
        guard numbers["lm_head.weight"] == nil else { return linear("lm_head", final) }
        return output.map { row in zip(row, final).reduce(0) { $0 + $1.0 * $1.1 } }
    }
}
