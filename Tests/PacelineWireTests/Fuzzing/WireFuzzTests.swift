import Foundation
import Testing

/// `PACELINE_FUZZ_RUNS=10000000 swift test -c release --filter WireFuzzTests` is the long run; `PACELINE_FUZZ_SEED`
/// selects another one.
private let environment = ProcessInfo.processInfo.environment

@Suite("Fuzzing the decoders")
struct WireFuzzTests {
    @Test("no bytes cause a trap, a hang, excessive memory or a violation of the limits", .timeLimit(.minutes(60)))
    func decoders() throws {
        let runs = environment["PACELINE_FUZZ_RUNS"].flatMap { Int($0) } ?? 10_000
        let seed = environment["PACELINE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        var fuzzer = try WireFuzzer(seed: seed)
        for run in 1...max(1, runs) {
            try fuzzer.execute()
            if run.isMultiple(of: 1_000_000) {
                print(
                    "\(run) executions, \(fuzzer.accepted) messages accepted, \(fuzzer.distinctOutcomes) outcomes,",
                    "\(try peakMemory() >> 20) MiB at most"
                )
            }
        }
        // A fuzzer whose inputs are all refused or all accepted tests nothing.
        #expect(fuzzer.accepted > runs / 50)
        #expect(fuzzer.distinctOutcomes > 60)
        // In a short run, other tests share the process.
        if runs >= 1_000_000 { #expect(try peakMemory() < 256 << 20) }
    }

    /// This process's peak memory, in bytes.
    private func peakMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) }) << 10
    }
}
