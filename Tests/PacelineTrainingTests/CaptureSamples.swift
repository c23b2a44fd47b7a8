import PacelineSpeculation

@testable import PacelineTraining

/// Captures for tests.
enum CaptureSamples {
    static let header = CaptureHeader(
        model: "tiny",
        fingerprint: "0123456789ab",
        tokenizerHash: Array(0..<32),
        vocabularySize: 10,
        width: 3,
        taps: [.input(layer: 2), .normedOutput],
        topCount: 2,
        source: "the model's own prompts, seed 0"
    )

    /// A record of five tokens, three of which are the prompt.
    static func record(number: Int) -> CaptureRecord {
        CaptureRecord(
            number: number,
            tokens: [1, 2, 3, 4, 9],
            promptCount: 3,
            features: CaptureRecord.halves(of: (0..<30).map { Float($0 + number) / 4 }),
            firstTop: 2,
            top: [
                TopToken(token: 4, logProbability: -0.25), TopToken(token: 0, logProbability: -3),
                TopToken(token: 9, logProbability: 0), TopToken(token: 8, logProbability: -40),
            ]
        )
    }

    static func file(numbers: [Int]) -> [UInt8] {
        numbers.reduce(header.encoded) { $0 + record(number: $1).encoded(header) }
    }

    /// All that a file says.
    static func read(_ bytes: [UInt8]) throws -> [CaptureRecord] {
        let source = CaptureBytes(bytes)
        let reader = try CaptureReader(source)
        return try reader.entries.map { try reader.record($0, from: source) }
    }
}
