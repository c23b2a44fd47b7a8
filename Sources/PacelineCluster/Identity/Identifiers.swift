/// Names one of a process's things by a number: given out in ascending order, never twice in a process life.
package protocol ProcessIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// What it names.
    static var noun: String { get }
    var rawValue: UInt64 { get }
}

extension ProcessIdentifier {
    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }

    package var description: String {
        "\(Self.noun) \(rawValue)"
    }
}

/// Names one connection of this process.
///
/// A worker is named by its connection: when it comes back it is a new worker, and nothing of the old one applies.
package struct LinkID: ProcessIdentifier {
    package static let noun = "link"
    /// Stands among the workers of a sequence for what its client expects. Links are numbered from 1.
    static let prediction = LinkID(rawValue: 0)
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// Names a request at one verifier, from 1.
package struct RequestID: ProcessIdentifier {
    package static let noun = "request"
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// Names one drafting session of a worker process: one request of one verifier on one connection.
package struct DraftSessionID: ProcessIdentifier {
    package static let noun = "session"
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}
