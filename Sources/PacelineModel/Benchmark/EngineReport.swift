/// What ``EngineBenchmark`` measured, with each figure's limit.
package struct EngineReport: Sendable {
    package var model: String
    package var threads: Int
    package var instructionSet: String
    /// Sequential read bandwidth, 10⁹ bytes/s.
    package var bandwidth: Double
    /// The same while 4-bit codes are multiplied by one row as they come, 10⁹ bytes/s: what decoding can reach.
    package var codesBandwidth: Double
    /// int8 multiply-accumulates in registers, 10⁹/s.
    package var int8Peak: Double
    /// float32 operations in registers, 10⁹/s.
    package var floatPeak: Double
    /// Bytes of weights in the file that one pass touches.
    package var bytesPerPass: Int
    /// Weights that one pass touches: multiply-accumulates per token.
    package var macsPerToken: Int
    /// Milliseconds that the kernels take for the products of a pass over n rows where memory is not in their way, by
    /// n: the ceiling of the arithmetic as it is written. Empty for float weights.
    package var kernelMilliseconds: [Int: Double]
    /// Milliseconds of a pass over n rows with logits for all, by n.
    package var verifyMilliseconds: [Int: Double]
    package var prefillTokens: Int
    package var prefillMilliseconds: Double
    /// Milliseconds to decode one token, by tokens of context.
    package var decodeMillisecondsByContext: [Int: Double]
    /// Bytes of keys and values that a token of context adds to a pass.
    package var cacheBytesPerToken: Int

    /// Tokens per second of plain decoding.
    package var decodeTokensPerSecond: Double { verifyMilliseconds[1].map { 1e3 / $0 } ?? 0 }
    package var prefillTokensPerSecond: Double { Double(prefillTokens) / prefillMilliseconds * 1e3 }
    /// Decode speed ÷ what reading the weights alone would allow.
    package var fractionOfBandwidth: Double { decodeTokensPerSecond * memoryMilliseconds() / 1e3 }
    /// Decode speed ÷ what reading the weights allows a core that multiplies them, too.
    package var fractionOfCodesBandwidth: Double { fractionOfBandwidth * bandwidth / codesBandwidth }
    /// Prefill speed ÷ what int8 arithmetic alone would allow.
    package var fractionOfInt8Peak: Double { arithmeticMilliseconds(rows: prefillTokens) / prefillMilliseconds }

    /// Milliseconds that reading takes: every weight once, and the keys and values of `context` tokens.
    package func memoryMilliseconds(context: Int = 0) -> Double {
        Double(bytesPerPass + context * cacheBytesPerToken) / (bandwidth * 1e6)
    }

    /// Milliseconds that the multiply-accumulates of `rows` rows take at the int8 peak.
    package func arithmeticMilliseconds(rows: Int) -> Double {
        Double(rows) * Double(macsPerToken) / (int8Peak * 1e6)
    }

    /// The least milliseconds that a pass over `rows` rows can take here: memory or the kernels' arithmetic, whichever
    /// is slower.
    package func limitMilliseconds(rows: Int) -> Double {
        max(memoryMilliseconds(), kernelMilliseconds[rows] ?? arithmeticMilliseconds(rows: rows))
    }
}
