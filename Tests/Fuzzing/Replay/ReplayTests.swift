import Foundation
import PacelineFuzzing
import PacelineTestTraits
import Testing

/// The committed inputs, which reach what long runs of the fuzzer have reached; among them every input that ever broke
/// something.
@Suite("Committed corpora", .computing)
struct ReplayTests {
    private static let corpora = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../corpora")

    private static func inputs(of target: FuzzTargets) throws -> [(name: String, bytes: [UInt8])] {
        let folder = corpora.appending(path: target.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    /// Runs inputs on a thread of their own: a target waits for what a server's tasks give it.
    ///
    /// - Returns: for each input whether it was accepted, or what is wrong.
    private static func outcomes(
        of target: FuzzTargets,
        _ inputs: [[UInt8]]
    ) async -> [Result<Bool, any Error>] {
        await withCheckedContinuation { continuation in
            Thread {
                do {
                    var run = try target.make()
                    continuation.resume(returning: inputs.map { input in Result { try run.execute(input) } })
                } catch {
                    continuation.resume(returning: [.failure(error)])
                }
            }.start()
        }
    }

    @Test("Each input is accepted or refused as it should be, every time", arguments: FuzzTargets.allCases)
    func inputs(target: FuzzTargets) async throws {
        let inputs = try Self.inputs(of: target)
        let outcomes = await Self.outcomes(of: target, inputs.map(\.bytes))
        var accepted: [Bool] = []
        for (input, outcome) in zip(inputs, outcomes) {
            do {
                accepted.append(try outcome.get())
            } catch {
                Issue.record("\(target.rawValue)/\(input.name): \(error)")
            }
        }
        // A corpus of inputs that are all refused, or all accepted, tests little.
        let count = accepted.count { $0 }
        #expect(inputs.count >= 20 && count > 0 && count < inputs.count, "\(count) of \(inputs.count)")
        let again = await Self.outcomes(of: target, inputs.map(\.bytes)).map { try? $0.get() }
        #expect(again == accepted)
    }

    @Test("What a fuzzer begins with is accepted, but for what is broken on purpose", arguments: FuzzTargets.allCases)
    func seeds(target: FuzzTargets) async throws {
        let seeds = try target.make().seeds()
        let outcomes = try await Self.outcomes(of: target, seeds.map(\.bytes)).map { try $0.get() }
        #expect(outcomes.count { $0 } * 2 > outcomes.count)
    }
}
