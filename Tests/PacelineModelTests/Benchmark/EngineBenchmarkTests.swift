import Foundation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

@Suite("The engine benchmark", .computing)
struct EngineBenchmarkTests {
    @Test("The benchmark works with a vocabulary that lacks every byte of the text")
    func emptyText() throws {
        var model = TinyModel()
        (model.blockCount, model.feedForwardLength) = (1, 64)
        var writer = model.writer()
        // Unused tokens produce no text.
        writer.set("tokenizer.ggml.token_type", .int32s(TinyVocabulary.shared.types.map { _ in 5 }))
        writer.set("tokenizer.ggml.merges", .strings([]))
        let file = FileManager.default.temporaryDirectory.appending(path: "paceline-mute-\(getpid()).gguf")
        try Data(writer.serialised()).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let loaded = try LanguageModel(ModelFile(path: file.path), compute: Compute(threads: 1))
        #expect(loaded.tokenizer.encode("The").isEmpty)
        var schedule = EngineBenchmark.Schedule()
        (schedule.nodes, schedule.prefill, schedule.context, schedule.repeats, schedule.contexts) = ([1], 2, 3, 1, [4])
        let benchmark = EngineBenchmark(model: loaded, schedule: schedule)
        #expect(benchmark.tokens == Array(repeating: 0, count: schedule.longestSequence))
        #expect(try benchmark.measuringCache(3, room: 1).length == 3)
    }
}
