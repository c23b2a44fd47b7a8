/// Says which sequence to capture next, and puts finished ones into the order of their numbers, so that a file does not
/// depend on how many were captured together, or on interruptions.
package struct CaptureQueue: Sendable {
    /// The next number that nothing has been begun for.
    private var next: Int
    /// The next number to write.
    package private(set) var place: Int
    /// Finished, but behind others that are not; nil for a number that has given nothing.
    private var waiting: [Int: CaptureRecord?] = [:]
    /// Positions with probable tokens in the file.
    package private(set) var answers: Int
    private var waitingAnswers = 0
    private let total: Int?
    private let end: Int?
    private let window: Int

    /// - Parameters:
    ///   - next: the first number to capture.
    ///   - answers: positions with probable tokens that the file has.
    ///   - total: how many of them are enough; nil for no limit.
    ///   - end: the number behind the last one; nil if there is no last one.
    ///   - window: how many may be begun and not written.
    package init(next: Int, answers: Int, total: Int?, end: Int?, window: Int) {
        (self.next, place, self.answers) = (next, next, answers)
        (self.total, self.end, self.window) = (total, end, window)
    }

    /// Whether all that is wanted has been written.
    package var isDone: Bool { isEnough(answers) || place == end }

    /// Begins the next sequence.
    ///
    /// - Parameter underway: positions with probable tokens of the sequences that have been begun and not finished.
    /// - Returns: its number; nil if there is none to begin for now.
    package mutating func start(underway: Int) -> Int? {
        // Those that have been begun come first in the file.
        guard !isEnough(answers + waitingAnswers + underway), next != end, next - place < window else { return nil }
        defer { next += 1 }
        return next
    }

    /// Takes a finished sequence.
    ///
    /// - Parameter record: nil if its number has given nothing.
    /// - Returns: the records to write now, in order.
    package mutating func finish(_ number: Int, _ record: CaptureRecord?, topCount: Int) -> [CaptureRecord] {
        waiting[number] = .some(record)
        waitingAnswers += record?.answers(topCount) ?? 0
        var ready: [CaptureRecord] = []
        while !isEnough(answers), let record = waiting.removeValue(forKey: place) {
            place += 1
            guard let record else { continue }
            answers += record.answers(topCount)
            waitingAnswers -= record.answers(topCount)
            ready.append(record)
        }
        return ready
    }

    private func isEnough(_ answers: Int) -> Bool { total.map { answers >= $0 } ?? false }
}

extension CaptureRecord {
    /// Positions with probable tokens.
    package func answers(_ topCount: Int) -> Int { topCount == 0 ? 0 : top.count / topCount }
}
