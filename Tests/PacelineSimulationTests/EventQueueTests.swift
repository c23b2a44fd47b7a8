import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("The event queue", .computing)
struct EventQueueTests {
    @Test("hands out events by time, and in the order of scheduling at the same time")
    func order() {
        var queue = EventQueue<Int>()
        var random = SplitMix(seed: 1)
        let times = (0..<500).map { _ in UInt64(random.next(below: 50)) }
        for (index, time) in times.enumerated() {
            queue.schedule(index, at: Instant(nanoseconds: time))
        }
        var taken: [Int] = []
        while let (at, index) = queue.next() {
            #expect(at.nanoseconds == times[index])
            taken.append(index)
        }
        #expect(taken == times.indices.sorted { (times[$0], $0) < (times[$1], $1) })
    }
}
