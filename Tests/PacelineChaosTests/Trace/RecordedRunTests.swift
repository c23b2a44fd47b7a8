import Foundation
import Logging
import NIOCore
import PacelineCluster
import PacelineWire
import Testing

@testable import PacelineChaos

@Suite("A recorded run")
struct RecordedRunTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func run(_ text: String) throws(FaultTraceError) -> RecordedRun {
        try RecordedRun(ByteBuffer(string: text), path: "faults.jsonl")
    }

    @Test("has everything that was traced", arguments: [0, 7, UInt64.max])
    func roundTrip(seed: UInt64) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "trace-\(UUID()).jsonl").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var record = ProxyRecord(name: "p \"1\"", listen: "127.0.0.1:5", upstream: "a:1", isEnabled: false)
        let toxics =
            ToxicChainTests.toxics + [
                ToxicDefinition(.dropFrame, .upstream, toxicity: 0.25, afterFrames: 3, match: .tree),
                ToxicDefinition(name: "x", .timeout, duration: .milliseconds(250)),
            ]
        for toxic in toxics { try record.add(toxic) }
        let changes: [TracedChange] = [
            .proxy(record), .toxic(proxy: "q", toxics[0]), .removed(proxy: "q", toxic: "y"), .deleted(proxy: "q"),
        ]
        let faults: [FaultRecord] = [
            FaultRecord(toxic: "x", type: .corrupt, offset: .max, event: .flipped(from: 1, to: 255)),
            FaultRecord(toxic: "x", type: .dropFrame, offset: 0, event: .frame(.tree, sequence: 9)),
            FaultRecord(toxic: "y", type: .latency, offset: 1448, event: .delayed(.microseconds(1500))),
        ]
        let place = FaultTrace.Place(proxy: "q", connection: 4, stream: .upstream)
        let trace = try FaultTrace(path: path, seed: seed, logger: Self.logger)
        trace.begin()
        for change in changes { trace.write(change, at: TraceMoment(connections: 5, since: .milliseconds(20))) }
        for fault in faults { trace.write(place, fault) }
        await trace.finish()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let run = try Self.run(text)
        #expect(run.seed == seed)
        #expect(run.changes.map(\.change) == changes)
        #expect(run.changes.allSatisfy { $0.moment == TraceMoment(connections: 5, since: .milliseconds(20)) })
        #expect(run.faults == faults.map { TracedFault(place, $0) })
        // A process that was killed leaves half a line behind.
        #expect(try Self.run(String(text.dropLast(20))).faults == Array(run.faults.dropLast()))
    }

    @Test("begins only when it is told to, over what was in the file")
    func beginning() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "trace-\(UUID()).jsonl").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "old".write(toFile: path, atomically: false, encoding: .utf8)
        let trace = try FaultTrace(path: path, seed: 4, logger: Self.logger)
        trace.write(.deleted(proxy: "p"), at: TraceMoment())
        await trace.finish()
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        trace.begin()
        await trace.finish()
        let run = try Self.run(String(contentsOfFile: path, encoding: .utf8))
        #expect(run.seed == 4 && run.changes.count == 1)
    }

    @Test("never waits for the disk, and tells how many lines found no room")
    func slowDisk() async throws {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        // Nobody reads the pipe, which takes 64 KiB.
        let trace = FaultTrace(descriptor: ends[1], limit: 4096, seed: 4, logger: Self.logger)
        trace.begin()
        let place = FaultTrace.Place(proxy: "q", connection: 4, stream: .upstream)
        let count = 5000
        for offset in 0..<count {
            trace.write(place, FaultRecord(toxic: "x", type: .corrupt, offset: UInt64(offset), event: .stalled))
        }
        // Now somebody does. No line follows those that were lost.
        let reading = ends[0]
        async let bytes = BlockingWork.run { _ in FileHandle(fileDescriptor: reading).readDataToEndOfFile() }
        await trace.finish()
        trace.end()
        let run = try await RecordedRun(ByteBuffer(bytes: bytes), path: "pipe")
        #expect(run.lost > 0 && run.faults.count + Int(run.lost) == count)
        _ = close(reading)
    }

    @Test("tells in their place how many lines found no room")
    func gapBeforeLine() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "trace-\(UUID()).jsonl").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        let trace = FaultTrace(descriptor: descriptor, limit: 600, seed: 4, logger: Self.logger)
        // Longer than any room.
        trace.write(.deleted(proxy: String(repeating: "p", count: 700)), at: TraceMoment())
        trace.write(.deleted(proxy: "q"), at: TraceMoment())
        trace.begin()
        await trace.finish()
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3 && lines[1].contains("\"lost\"") && lines[2].contains("\"q\""), "\(lines)")
    }

    @Test("is refused with the line that is wrong")
    func malformed() {
        let seed = "{\"event\":\"serve\",\"seed\":1}\n"
        for (text, line, words) in [
            ("", 1, "does not tell the seed"), ("{}\n", 1, "missing required field: event"),
            (seed + "{\"event\":\"dance\",\"proxy\":\"p\",\"connections\":0}\n", 2, "event \"dance\" is unknown"),
            (seed + "\n", 2, "the body is empty"), (seed + "{\"event\":\"fault\",\n", 2, "at line 1, column"),
            ("{\"event\":\"serve\",\"seed\":-1}\n", 1, "seed must be a whole number from 0, not -1"),
        ] {
            let error = #expect(throws: FaultTraceError.self) { try Self.run(text) }
            #expect("\(String(describing: error))".contains(words), "\(String(describing: error))")
            if case .malformed(_, line: let found, _)? = error { #expect(found == line) }
        }
    }

    @Test("is compared with another one fault by fault")
    func comparison() {
        let faults = (0..<6).map { offset in
            TracedFault(
                FaultTrace.Place(proxy: "p", connection: 0, stream: .upstream),
                FaultRecord(toxic: "x", type: .corrupt, offset: UInt64(offset), event: .dropped(bytes: 1))
            )
        }
        #expect(TraceComparison(faults, faults.reversed()).isEqual)
        let different = TraceComparison(Array(faults[..<4]) + [faults[0]], Array(faults[1...]))
        #expect(different.same == 3)
        #expect(different.missing == [faults[0], faults[0]])
        #expect(different.added == [faults[4], faults[5]])
    }
}
