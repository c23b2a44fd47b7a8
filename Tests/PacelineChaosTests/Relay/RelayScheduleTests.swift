import NIOCore
import PacelineCluster
import Testing

@testable import PacelineChaos

@Suite("A relay's schedule")
struct RelayScheduleTests {
    private static let latency = Toxic.latency(.milliseconds(20), jitter: .milliseconds(5))
    /// A megabyte per second: a microsecond for a byte.
    private static let bandwidth = Toxic.bandwidth(bytesPerSecond: 1_000_000)

    @Test("delays every run by the latency plus or minus the jitter, over the whole range")
    func delayBounds() {
        // The runs are so far apart that hardly one waits for the one before.
        let schedule = RelaySchedule([Self.latency], seed: 1, capacity: 1 << 20)
        let journal = RelayJournal.run(schedule, seed: 7, spacing: .milliseconds(30))
        let delays = journal.runs.map { $0.departed - $0.arrived }
        #expect(delays.count > 1000)
        #expect(delays.allSatisfy { $0 >= .milliseconds(15) && $0 <= .milliseconds(25) })
        #expect((delays.min() ?? .zero) < .milliseconds(16))
        #expect((delays.max() ?? .zero) > .milliseconds(24))
    }

    @Test("keeps every byte, in order", arguments: 1...20 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        let schedule = RelaySchedule([Self.latency, Self.bandwidth], seed: seed, capacity: 10_000)
        let journal = RelayJournal.run(schedule, seed: seed)
        #expect(journal.received == journal.sent)
        #expect(journal.sent.count > 100_000)
        let departures = journal.runs.map(\.departed)
        #expect(zip(departures, departures.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test("never exceeds the bandwidth in any span of time", arguments: 1...5 as ClosedRange<UInt64>)
    func bandwidth(seed: UInt64) {
        let schedule = RelaySchedule([Self.latency, Self.bandwidth], seed: seed, capacity: 1 << 20)
        let runs = RelayJournal.run(schedule, seed: seed).runs
        for first in stride(from: 0, to: runs.count - 1, by: 17) {
            var bytes = 0
            for run in runs[(first + 1)...] {
                bytes += run.bytes
                // The span begins when the run before these had left whole.
                let span = run.departed - runs[first].departed
                #expect(span >= .microseconds(bytes), "\(bytes) bytes in \(span)")
            }
        }
    }

    @Test("delays a burst by the time that the line needs, and no longer")
    func serialisation() {
        var schedule = RelaySchedule(
            [.latency(.milliseconds(20), jitter: .zero), Self.bandwidth],
            seed: 1,
            capacity: 1 << 20
        )
        var burst = ByteBuffer(repeating: 1, count: 100_000)
        schedule.arrive(&burst, now: .zero)
        var last = Instant.zero
        while let due = schedule.nextDeparture {
            _ = schedule.depart(now: due)
            last = due
        }
        #expect(last == .zero + .milliseconds(120))
        #expect(schedule.statistics.runs == 70)
        // The line is free again: the next byte does not wait.
        var byte = ByteBuffer(repeating: 1, count: 1)
        schedule.arrive(&byte, now: last)
        #expect(schedule.nextDeparture == last + .milliseconds(20) + .microseconds(1))
    }

    @Test("never holds more than its capacity, and leaves the rest to the caller")
    func capacity() {
        var schedule = RelaySchedule([Self.latency], seed: 1, capacity: 5000)
        var bytes = ByteBuffer(repeating: 1, count: 12_000)
        schedule.arrive(&bytes, now: .zero)
        #expect(schedule.held == 5000 && schedule.room == 0 && bytes.readableBytes == 7000)
        let later = Instant.zero + .seconds(1)
        while schedule.depart(now: later) != nil {}
        // The receiver has not taken them yet.
        schedule.arrive(&bytes, now: later)
        #expect(schedule.held == 5000 && bytes.readableBytes == 7000)
        schedule.release(3000)
        schedule.arrive(&bytes, now: later)
        #expect(schedule.held == 5000 && bytes.readableBytes == 4000)
        #expect(schedule.statistics.peakHeld == 5000 && schedule.statistics.refusals == 3)
    }

    @Test("slows a fast sender to the bandwidth if its buffer is small")
    func backPressure() {
        let journal = RelayJournal.run(RelaySchedule([Self.bandwidth], seed: 1, capacity: 2000), seed: 3)
        #expect(journal.received == journal.sent)
        #expect(journal.peakHeld <= 2000)
        #expect(journal.refusals > 0)
    }

    @Test(
        "ends after the last byte, when another byte would have come",
        arguments: [LinkEnding.closed, .reset]
    )
    func ending(_ ending: LinkEnding) {
        var schedule = RelaySchedule([Self.latency, Self.bandwidth], seed: 1, capacity: 1 << 20)
        var bytes = ByteBuffer(repeating: 1, count: 30_000)
        schedule.arrive(&bytes, now: .zero)
        schedule.end(ending, now: .zero)
        var departures: [LaneDeparture] = []
        while let due = schedule.nextDeparture {
            if let departure = schedule.depart(now: due) { departures.append(departure) }
            #expect(due >= .zero + .milliseconds(15))
        }
        #expect(departures.last == .ended(ending))
        #expect(departures.count == 30_000 / RelaySchedule.runBytes + 2)
    }

    @Test("hands out nothing before it is due")
    func patience() throws {
        var schedule = RelaySchedule([Self.latency], seed: 1, capacity: 1 << 20)
        var bytes = ByteBuffer(repeating: 1, count: 10)
        schedule.arrive(&bytes, now: .zero)
        let due = try #require(schedule.nextDeparture)
        #expect(schedule.depart(now: Instant(nanoseconds: due.nanoseconds - 1)) == nil)
        #expect(schedule.depart(now: due) != nil)
        #expect(schedule.nextDeparture == nil)
    }

    @Test("is a function of its seed")
    func seeds() {
        let journals = [1, 1, 2].map { (seed: UInt64) in
            RelayJournal.run(RelaySchedule([Self.latency], seed: seed, capacity: 1 << 20), seed: 7)
        }
        #expect(journals[0].runs == journals[1].runs)
        #expect(journals[0].runs != journals[2].runs)
    }

    @Test("passes bytes at once without toxics")
    func transparency() {
        let journal = RelayJournal.run(RelaySchedule([], seed: 1, capacity: 1 << 20), seed: 7)
        #expect(journal.received == journal.sent)
        #expect(journal.runs.allSatisfy { $0.departed == $0.arrived })
    }
}
