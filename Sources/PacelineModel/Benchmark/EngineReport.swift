/// The results of ``EngineBenchmark``, with the hardware's limit for each.
package struct EngineReport: Sendable {
    package var model: String
    package var threads: Int
    package var instructionSet: String
    /// Sequential read bandwidth, 10⁹ bytes/s.
    package var bandwidth: Double
    /// Read bandwidth while multiplying the 4-bit codes by one row, 10⁹ bytes/s: what decoding can reach.
    package var codesBandwidth: Double
    /// int8 multiply-accumulates in registers, 10⁹/s.
    package var int8Peak: Double
    /// float32 operations in registers, 10⁹/s.
    package var floatPeak: Double
    /// Bytes of weights that one pass touches, as stored in the file.
    package var bytesPerPass: Int
    /// Weights that one pass touches: multiply-accumulates per token.
    package var macsPerToken: Int
    /// Milliseconds for the matrix products of a pass over n rows without waiting for memory, by n. This is the limit
    /// of the kernels as written. Empty for float weights.
    package var kernelMilliseconds: [Int: Double]
    /// Milliseconds of a pass over n rows with logits for all, by n.
    package var verifyMilliseconds: [Int: Double]
    package var prefillTokens: Int
    package var prefillMilliseconds: Double
    /// Milliseconds to decode one token, by tokens of context.
    package var decodeMillisecondsByContext: [Int: Double]
    /// Bytes of keys and values that each token of context adds to a pass.
    package var cacheBytesPerToken: Int

    /// Tokens per second of plain decoding.
    package var decodeTokensPerSecond: Double { verifyMilliseconds[1].map { 1e3 / $0 } ?? 0 }
    package var prefillTokensPerSecond: Double { Double(prefillTokens) / prefillMilliseconds * 1e3 }
    /// Decode speed ÷ the speed that reading the weights alone would allow.
    package var fractionOfBandwidth: Double { decodeTokensPerSecond * memoryMilliseconds() / 1e3 }
    /// Decode speed ÷ the speed that reading and multiplying the weights would allow.
    package var fractionOfCodesBandwidth: Double { fractionOfBandwidth * bandwidth / codesBandwidth }
    /// Prefill speed ÷ the speed that int8 arithmetic alone would allow.
    package var fractionOfInt8Peak: Double { arithmeticMilliseconds(rows: prefillTokens) / prefillMilliseconds }

    /// Milliseconds to read every weight once, and the keys and values of `context` tokens.
    package func memoryMilliseconds(context: Int = 0) -> Double {
        Double(bytesPerPass + context * cacheBytesPerToken) / (bandwidth * 1e6)
    }

    /// Milliseconds for the multiply-accumulates of `rows` rows at the int8 peak.
    package func arithmeticMilliseconds(rows: Int) -> Double {
        Double(rows) * Double(macsPerToken) / (int8Peak * 1e6)
    }

    /// The fewest milliseconds that a pass over `rows` rows can take: reading or arithmetic, whichever is slower.
    package func limitMilliseconds(rows: Int) -> Double {
        max(memoryMilliseconds(), kernelMilliseconds[rows] ?? arithmeticMilliseconds(rows: rows))
    }
}
