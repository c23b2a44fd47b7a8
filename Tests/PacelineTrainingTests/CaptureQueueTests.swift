import PacelineSpeculation
import Testing

@testable import PacelineTraining

@Suite("The order of a capture")
struct CaptureQueueTests {
    /// A record with as many positions with probable tokens.
    private static func record(_ number: Int, answers: Int) -> CaptureRecord {
        CaptureRecord(
            number: number,
            tokens: [Token](repeating: 0, count: answers + 1),
            promptCount: 1,
            features: [],
            firstTop: 0,
            top: [TopToken](repeating: TopToken(token: 0, logProbability: 0), count: 2 * answers)
        )
    }

    /// Numbers 0 to 9 with 1 to 10 answers, of which every fourth gives nothing.
    private static func record(_ number: Int) -> CaptureRecord? {
        number % 4 == 3 ? nil : record(number, answers: number + 1)
    }

    /// Finishes what was begun in random order.
    private static func written(seed: UInt64, total: Int?, from next: Int = 0, answers: Int = 0) -> [Int] {
        var random = SplitMix(seed: seed)
        var queue = CaptureQueue(next: next, answers: answers, total: total, end: 10, window: 4)
        var (open, written) = ([Int](), [Int]())
        while !queue.isDone {
            while let number = queue.start(underway: 0) { open.append(number) }
            #expect(open.count <= 4 && !open.isEmpty)
            let number = open.remove(at: Int(random.next() % UInt64(open.count)))
            written += queue.finish(number, record(number), topCount: 2).map(\.number)
        }
        return written
    }

    @Test("is that of the numbers, in whichever order sequences are finished", arguments: 0..<20 as Range<UInt64>)
    func order(seed: UInt64) {
        #expect(Self.written(seed: seed, total: nil) == [0, 1, 2, 4, 5, 6, 8, 9])
        // 1 + 2 + 3 + 5 + 6 answers are enough, however many others are finished by then.
        #expect(Self.written(seed: seed, total: 12) == [0, 1, 2, 4, 5])
        #expect(Self.written(seed: seed, total: 17) == [0, 1, 2, 4, 5])
        #expect(Self.written(seed: seed, total: 18) == [0, 1, 2, 4, 5, 6])
    }

    @Test("goes on behind what a file has")
    func resumed() {
        #expect(Self.written(seed: 1, total: 18, from: 5, answers: 11) == [5, 6])
        #expect(Self.written(seed: 1, total: 11, from: 5, answers: 11) == [])
        #expect(Self.written(seed: 1, total: nil, from: 10, answers: 48) == [])
    }

    @Test("begins nothing that would come behind enough")
    func underway() {
        var queue = CaptureQueue(next: 0, answers: 0, total: 10, end: nil, window: 8)
        #expect(queue.start(underway: 0) == 0)
        #expect(queue.start(underway: 9) == 1)
        #expect(queue.start(underway: 10) == nil)
        #expect(queue.finish(1, Self.record(1, answers: 6), topCount: 2) == [])
        #expect(queue.start(underway: 4) == nil)
        #expect(queue.start(underway: 3) == 2)
        #expect(queue.finish(0, Self.record(0, answers: 4), topCount: 2).map(\.number) == [0, 1])
        #expect(queue.isDone && queue.answers == 10)
    }
}
