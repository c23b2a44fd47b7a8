import Foundation
import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineCluster
@testable import PacelineModel

@Suite("Loading a target")
struct LoadedTargetTests {
    @Test("A model that would not fit into memory is refused before its weights are read; one that does is loaded")
    func memory() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("target-\(UUID()).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(FileManager.default.createFile(atPath: path, contents: Data(TinyModel().serialised())))
        let file = try ModelFile(path: path)
        let demand = TransformerEngine.demand(
            of: file,
            contextLength: 512,
            sequences: 3,
            cacheType: .int8
        )
        var progress = 0
        #expect(throws: MemoryDemandError(demand: demand, available: demand.total - 1)) {
            _ = try LoadedTarget.transformer(
                file,
                threads: 1,
                contextLength: 512,
                cacheType: .int8,
                sequences: 3,
                availableMemory: demand.total - 1
            ) { _ in progress += 1 }
        }
        #expect(progress == 0)
        let target = try LoadedTarget.transformer(
            file,
            threads: 1,
            contextLength: 512,
            cacheType: .int8,
            sequences: 3,
            availableMemory: demand.total
        ) { _ in progress += 1 }
        #expect(progress > 0 && target.description.contextLength == 512)
    }
}
