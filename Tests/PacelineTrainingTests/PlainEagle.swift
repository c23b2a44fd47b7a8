import Foundation
import PacelineTraining

/// An EAGLE head written plainly: one number after the other, one row at a time, as it drafts.
struct PlainEagle {
    let head: EagleHead<Double>
    let parameters: [Double]

    private func tensor(_ name: String, _ row: Int, _ column: Int) -> Double {
        let slice = head.layout[name]!
        return parameters[slice.offset + row * slice.columns + column]
    }

    func linear(_ name: String, _ input: [Double]) -> [Double] {
        (0..<head.layout["\(name).weight"]!.rows).map { output in
            var sum = head.layout["\(name).bias"] == nil ? 0 : tensor("\(name).bias", 0, output)
            for (column, value) in input.enumerated() { sum += tensor("\(name).weight", output, column) * value }
            return sum
        }
    }

    func norm(_ name: String, _ input: [Double]) -> [Double] {
        guard head.layout["\(name).weight"] != nil else { return input }
        var squares = 0.0
        for value in input { squares += value * value }
        let root = (squares / Double(input.count) + head.shape.layer.normEpsilon).squareRoot()
        return input.indices.map { tensor("\(name).weight", 0, $0) * input[$0] / root }
    }

    /// Turns one head's values.
    func rotate(_ values: [Double], position: Int) -> [Double] {
        let rotary = head.shape.layer.rotary
        var turned = values
        for pair in 0..<rotary.dimensions / 2 {
            let exponent = -2 * Double(pair) / Double(rotary.dimensions)
            let angle = Double(position) * Foundation.pow(rotary.theta, exponent)
            let isHalves = rotary.pairing == .halves
            let first = isHalves ? pair : 2 * pair
            let second = isHalves ? pair + rotary.dimensions / 2 : 2 * pair + 1
            turned[first] = values[first] * Foundation.cos(angle) - values[second] * Foundation.sin(angle)
            turned[second] = values[first] * Foundation.sin(angle) + values[second] * Foundation.cos(angle)
        }
        return turned
    }

    /// A row of the head: what it reads, and where.
    struct Row {
        let token: Int
        let feature: [Double]
    }

    /// Keys and values of a row, by head.
    private struct Memory {
        var keys: [[Double]]
        var values: [[Double]]
    }

    private func fused(_ row: Row) -> [Double] {
        let embedding = head.frozen.embedding.embed([row.token]).values
        return linear("fc", norm("enorm", embedding) + norm("hnorm", row.feature))
    }

    private func split(_ values: [Double]) -> [[Double]] {
        let size = head.shape.layer.attention.headDimension
        return stride(from: 0, to: values.count, by: size).map { Array(values[$0..<$0 + size]) }
    }

    private func memory(_ row: Row, position: Int) -> Memory {
        let normed = norm("attn_norm", fused(row))
        return Memory(
            keys: split(linear("attn_k", normed)).map { rotate($0, position: position) },
            values: split(linear("attn_v", normed))
        )
    }

    /// The guess of the last of some rows that it sees all of.
    func guess(_ rows: [Row]) -> [Double] {
        let memories = rows.enumerated().map { memory($1, position: $0) }
        let input = fused(rows.last!)
        let queries = split(linear("attn_q", norm("attn_norm", input)))
        let shape = head.shape.layer.attention
        var attended: [Double] = []
        for (index, query) in queries.enumerated() {
            let turned = rotate(query, position: rows.count - 1)
            let shared = index * shape.keyValueHeads / shape.heads
            let scores = memories.map { memory in
                var sum = 0.0
                for (a, b) in zip(turned, memory.keys[shared]) { sum += a * b }
                return Foundation.exp(sum / Double(shape.headDimension).squareRoot())
            }
            let total = scores.reduce(0, +)
            for column in 0..<shape.headDimension {
                attended.append(zip(scores, memories).reduce(0) { $0 + $1.0 / total * $1.1.values[shared][column] })
            }
        }
        let middle = zip(input, linear("attn_output", attended)).map { $0 + $1 }
        return norm("output_norm", zip(middle, feedForward(norm("ffn_norm", middle))).map { $0 + $1 })
    }

    private func feedForward(_ input: [Double]) -> [Double] {
        let (gate, up) = (linear("ffn_gate", input), linear("ffn_up", input))
        return linear("ffn_down", zip(gate, up).map { $0 / (1 + Foundation.exp(-$0)) * $1 })
    }

    /// Drafts as at inference: reads the rows of the text up to `first`, then feeds its guesses to itself until it has
    /// read `last`. The guess there.
    func draft(_ tokens: [Int], _ features: [[Double]], from first: Int, through last: Int) -> [Double] {
        var rows = (0...first).map { Row(token: tokens[$0 + 1], feature: features[$0]) }
        var guess = guess(rows)
        while rows.count <= last {
            rows.append(Row(token: tokens[rows.count + 1], feature: guess))
            guess = self.guess(rows)
        }
        return guess
    }

    /// The law over the draft vocabulary that a guess stands for.
    func law(_ guess: [Double]) -> [Double] {
        let output = head.frozen.output.rows
        let powers = (0..<output.rows).map { row in
            var sum = 0.0
            for (column, value) in guess.enumerated() { sum += output[row, column] * value }
            return Foundation.exp(sum)
        }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }
}
