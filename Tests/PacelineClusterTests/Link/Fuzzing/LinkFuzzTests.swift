import Foundation
import Testing

/// `PACELINE_FUZZ_RUNS=10000000 swift test -c release --filter LinkFuzzTests` is the long run; `PACELINE_FUZZ_SEED`
/// chooses another one. The decoders have theirs in `WireFuzzTests`.
private let environment = ProcessInfo.processInfo.environment

@Suite("Fuzzing a link")
struct LinkFuzzTests {
    @Test("nothing that a stranger says traps a link in any state, or lets him in", .timeLimit(.minutes(60)))
    func handshake() throws {
        let runs = environment["PACELINE_FUZZ_RUNS"].flatMap { Int($0) } ?? 2000
        let seed = environment["PACELINE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        var fuzzer = try LinkFuzzer(seed: seed)
        for run in 1...max(1, runs) {
            try fuzzer.execute()
            if run.isMultiple(of: 1_000_000) {
                print("\(run) conversations, \(fuzzer.outcomes.count) outcomes, \(fuzzer.establishments) let in")
            }
        }
        // A fuzzer that comes to few ends, or is never let in where anybody may come, tests nothing.
        #expect(fuzzer.outcomes.count > 60)
        #expect(fuzzer.establishments > runs / 1000)
    }
}
