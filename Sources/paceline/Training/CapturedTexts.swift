import ArgumentParser
import PacelineModel
import PacelineSpeculation
import PacelineTraining

/// A capture file as a training uses it: which texts are trained on, and which are kept to measure with.
struct CapturedTexts {
    /// One text of so many is kept.
    private static let heldOutEvery = 20
    /// The most texts that are measured with.
    private static let measuredLimit = 48

    let reader: CaptureReader
    let survey: CaptureSurvey
    /// To train on.
    let texts: [CaptureReader.Entry]
    /// To measure with.
    let heldOut: [TrainingSequence<Float>]
    private let file: CaptureFile

    /// - Throws: `ValidationError` for a file that is no capture, or of another model.
    init(path: String, for target: HeadTarget, progress: (Double) -> Void) throws {
        let file = try CaptureFile(reading: path)
        do {
            let reader = try CaptureReader(file)
            self.reader = reader
            try Self.check(reader.header, target, path)
            let usable = reader.entries.filter { $0.tokens >= 2 && $0.answers > 0 }
            guard usable.count >= 2 else {
                throw ValidationError(
                    "\(path) has \(usable.count) texts with answers, but at least 2 are needed; "
                        + "capture more"
                )
            }
            survey = try CaptureSurvey(
                reader,
                from: file,
                vocabularySize: target.vocabularySize,
                progress: progress
            )
            let kept = Set(usable.indices.filter { $0 % Self.heldOutEvery == min(7, usable.count - 1) })
            texts = usable.indices.filter { !kept.contains($0) }.map { usable[$0] }
            let stride = max(1, kept.count / Self.measuredLimit)
            heldOut = try kept.sorted().enumerated().filter { $0.offset % stride == 0 }.prefix(Self.measuredLimit)
                .map { try reader.sequence(usable[$0.element], from: file) }
        } catch let error as CaptureError {
            throw ValidationError("\(path) cannot be trained on: \(error)")
        }
        self.file = file
    }

    /// Reads a text to train on.
    func text(_ index: Int) throws -> TrainingSequence<Float> {
        try reader.sequence(texts[index], from: file)
    }

    private static func check(_ header: CaptureHeader, _ target: HeadTarget, _ path: String) throws {
        let digits = header.tokenizerHash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard header.width == target.width, digits == target.tokenizer,
            header.vocabularySize <= target.vocabularySize
        else {
            throw ValidationError(
                "\(path) was captured from \(header.model), whose width or tokenizer is not that of \(target.name); "
                    + "capture from the model that the head is for"
            )
        }
        guard header.taps == target.taps else {
            throw ValidationError(
                "\(path) has features of \(header.taps.map(\.description).joined(separator: ", ")), but this head "
                    + "reads \(target.taps.map(\.description).joined(separator: ", ")); capture with --taps normed"
            )
        }
    }
}
