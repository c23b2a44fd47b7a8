/// Names one connection of this process; given out in ascending order, never twice in a process life.
///
/// A worker is named by its connection: when it comes back it is a new worker, and nothing of the old one applies.
package struct LinkID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static func < (left: LinkID, right: LinkID) -> Bool {
        left.rawValue < right.rawValue
    }

    package var description: String {
        "link \(rawValue)"
    }
}
