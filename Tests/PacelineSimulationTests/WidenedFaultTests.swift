import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import PacelineWire
import Testing

@testable import PacelineSimulation

@Suite("Faults that came later", .computing)
struct WidenedFaultTests {
    /// Small clusters in which one kind of fault strikes for sure.
    private static func statistics(
        _ kind: FaultKind,
        with others: [FaultKind] = [],
        seeds: ClosedRange<UInt64> = 1...8
    ) throws -> SimulationStatistics {
        var statistics = SimulationStatistics()
        for seed in seeds {
            let simulation = try Simulation(.struck(seed: seed, by: [kind] + others))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed) under \(kind)")
            statistics += simulation.statistics
        }
        return statistics
    }

    @Test(
        "break no promise, and do strike",
        arguments: [
            FaultKind.flap, .clockJump, .versionSkew, .wrongModel, .memoryPressure, .oneWayHalfOpen, .clockBack,
        ]
    )
    func promises(kind: FaultKind) throws {
        #expect(try Self.statistics(kind).faults[kind, default: 0] > 5)
    }

    @Test("of frames are noticed at once", arguments: [FaultKind.truncate, .reorder])
    func frames(kind: FaultKind) throws {
        let statistics = try Self.statistics(kind)
        #expect(statistics.faults[kind, default: 0] > 10)
        #expect(statistics.poisonDetected > 10)
        #expect(statistics.poisonDelivered == statistics.poisonDetected + statistics.poisonOutlived)
    }

    @Test("frames of an earlier connection change nothing when they come again")
    func replay() throws {
        let statistics = try Self.statistics(.replay, with: [.reset])
        #expect(statistics.faults[.replay, default: 0] > 10)
        #expect(statistics.poisonDelivered > 5)
    }

    @Test("leave scenarios without them as they were")
    func old() throws {
        let old = Set(FaultKind.allCases).subtracting(FaultKind.widened + FaultKind.latest)
        for seed in 1...60 as ClosedRange<UInt64> {
            let (narrow, wide) = (try Scenario.swarm(seed: seed, allowed: old), try Scenario.swarm(seed: seed))
            #expect(narrow.faults == wide.faults.subtracting(FaultKind.widened + FaultKind.latest))
            #expect(narrow.workers.count == wide.workers.count { !$0.isForeign })
            #expect(narrow.strikes.count <= wide.strikes.count && narrow.verifierVersions.count == 1)
        }
    }

    @Test("lose the end of one frame only")
    func truncation() {
        let lane = Lane()
        var random = SplitMix(seed: 1)
        lane.truncatesNext = true
        lane.write(.init(bytes: [UInt8](repeating: 1, count: 100)))
        lane.write(.init(bytes: [UInt8](repeating: 2, count: 100)))
        #expect(lane.depart(Scenario.Network(), now: .zero, random: &random) == [100, 100])
        let bytes = lane.arrived
        #expect(bytes.count < 200 && bytes.count >= 100)
        #expect(bytes.suffix(100).allSatisfy { $0 == 2 } && bytes.dropLast(100).allSatisfy { $0 == 1 })
    }

    @Test("let a frame be overtaken by the next, and by the end of the stream not at all")
    func reordering() {
        let lane = Lane()
        var random = SplitMix(seed: 1)
        lane.reordersNext = true
        lane.write(.init(bytes: [1, 1]))
        #expect(lane.depart(Scenario.Network(), now: .zero, random: &random).isEmpty && !lane.isDrained)
        lane.write(.init(bytes: [2]))
        #expect(lane.depart(Scenario.Network(), now: .zero, random: &random) == [1, 2])
        #expect(lane.isDrained && lane.arrived == [2, 1, 1])
        lane.reordersNext = true
        lane.write(.init(bytes: [3]))
        #expect(lane.depart(Scenario.Network(), now: .zero, random: &random).isEmpty)
        lane.finish()
        #expect(lane.depart(Scenario.Network(), now: .zero, random: &random) == [1])
        #expect(lane.arrived == [3])
    }
}

extension Lane {
    /// All bytes that come out, however late.
    fileprivate var arrived: [UInt8] {
        var bytes: [UInt8] = []
        while let piece = take(now: Instant(nanoseconds: .max)) {
            if case .bytes(let part) = piece { bytes += Array(part.readableBytesView) }
        }
        return bytes
    }
}
