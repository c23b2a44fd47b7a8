import Foundation
import PacelineFuzzing
import Testing

/// The committed inputs, which reach what long runs of the fuzzer have reached; among them every input that ever broke
/// something.
@Suite("Committed corpora")
struct ReplayTests {
    private static let corpora = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../corpora")

    private static func inputs(of target: FuzzTargets) throws -> [(name: String, bytes: [UInt8])] {
        let folder = corpora.appending(path: target.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    @Test("Each input is accepted or refused as it should be", arguments: FuzzTargets.allCases)
    func inputs(target: FuzzTargets) throws {
        var (run, accepted) = (try target.make(), 0)
        let inputs = try Self.inputs(of: target)
        for input in inputs {
            do {
                if try run.execute(input.bytes) { accepted += 1 }
            } catch {
                Issue.record("\(target.rawValue)/\(input.name): \(error)")
            }
        }
        // A corpus of inputs that are all refused, or all accepted, tests little.
        #expect(inputs.count >= 20 && accepted > 0 && accepted < inputs.count, "\(accepted) of \(inputs.count)")
    }

    @Test("What a fuzzer begins with is accepted, but for what is broken on purpose", arguments: FuzzTargets.allCases)
    func seeds(target: FuzzTargets) throws {
        var run = try target.make()
        var accepted: [Bool] = []
        for seed in try run.seeds() { accepted.append(try run.execute(seed.bytes)) }
        #expect(accepted.count { $0 } * 2 > accepted.count)
    }

    @Test("The same input gives the same outcome every time", arguments: FuzzTargets.allCases)
    func determinism(target: FuzzTargets) throws {
        var (one, other) = (try target.make(), try target.make())
        for input in try Self.inputs(of: target) {
            let first = try one.execute(input.bytes)
            #expect(try other.execute(input.bytes) == first, "\(target.rawValue)/\(input.name)")
        }
    }
}
