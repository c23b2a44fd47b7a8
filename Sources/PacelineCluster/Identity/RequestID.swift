/// Names a request at one verifier; given out in ascending order from 1, never twice in a process life.
package struct RequestID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static func < (left: RequestID, right: RequestID) -> Bool {
        left.rawValue < right.rawValue
    }

    package var description: String {
        "request \(rawValue)"
    }
}
