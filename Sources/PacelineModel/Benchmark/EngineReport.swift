/// What ``EngineBenchmark`` measured, with each figure's limit.
package struct EngineReport: Sendable {
    package var model: String
    package var threads: Int
    package var instructionSet: String
    /// Sequential read bandwidth, 10⁹ bytes/s.
    package var bandwidth: Double
    /// int8 multiply-accumulates in registers, 10⁹/s.
    package var int8Peak: Double
    /// float32 operations in registers, 10⁹/s.
    package var floatPeak: Double
    /// Bytes of weights in the file that one pass touches.
    package var bytesPerPass: Int
    /// Weights that one pass touches: multiply-accumulates per token.
    package var macsPerToken: Int
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
    package var fractionOfBandwidth: Double {
        decodeTokensPerSecond * Double(bytesPerPass) / (bandwidth * 1e9)
    }
    /// Prefill speed ÷ what int8 arithmetic alone would allow.
    package var fractionOfInt8Peak: Double {
        prefillTokensPerSecond * Double(macsPerToken) / (int8Peak * 1e9)
    }

    /// The least milliseconds that a pass over `nodes` rows can take here: memory or arithmetic, whichever is slower.
    package func limitMilliseconds(nodes: Int) -> Double {
        let memory = Double(bytesPerPass) / (bandwidth * 1e9)
        let arithmetic = Double(nodes) * Double(macsPerToken) / (int8Peak * 1e9)
        return max(memory, arithmetic) * 1e3
    }
}
