/// Names one drafting session of a worker process: one request of one verifier on one connection. Never reused.
package struct DraftSessionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static func < (left: DraftSessionID, right: DraftSessionID) -> Bool {
        left.rawValue < right.rawValue
    }

    package var description: String {
        "session \(rawValue)"
    }
}
