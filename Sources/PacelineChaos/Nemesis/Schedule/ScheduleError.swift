/// What is wrong with a schedule, and where.
package struct ScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    /// Both from 1 on.
    package let line: Int
    package let column: Int
    package let reason: String

    package var description: String { "\(path), line \(line), column \(column): \(reason)" }
}
