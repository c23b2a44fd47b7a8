extension Message {
    /// Sent by both sides every heartbeat interval, from the loop that does the work.
    package struct Ping: Sendable, Equatable {
        /// 1, 2, 3 … on each side of a connection.
        package var number: UInt64
        /// Sequence number of the last frame the sender has received.
        package var lastReceived: UInt64

        package init(number: UInt64, lastReceived: UInt64) {
            self.number = number
            self.lastReceived = lastReceived
        }
    }

    /// The answer to a `Ping`, from the same loop.
    package struct Pong: Sendable, Equatable {
        /// The number of the `Ping`.
        package var number: UInt64
        /// Sequence number of the last frame the sender has received.
        package var lastReceived: UInt64

        package init(number: UInt64, lastReceived: UInt64) {
            self.number = number
            self.lastReceived = lastReceived
        }
    }

    /// The sender, either side, is leaving. Open requests continue for the grace period; no new ones are opened.
    package struct Drain: Sendable, Equatable {
        package var graceMilliseconds: Int
        /// For people.
        package var reason: String

        package init(graceMilliseconds: Int, reason: String = "") {
            self.graceMilliseconds = graceMilliseconds
            self.reason = reason
        }
    }

    /// The last frame before the sender closes the connection.
    package struct Fault: Sendable, Equatable {
        package enum Code: UInt32, Sendable, CaseIterable {
            /// Also stands for unknown values.
            case unspecified = 0
            case badFrame = 1
            case badMessage = 2
            case unexpected = 3
            case version = 4
            case fingerprint = 5
            case authentication = 6
            case timeout = 7
            case overloaded = 8
            case limit = 9
            case fenced = 10
            case `internal` = 11
        }

        package var code: Code
        /// For people.
        package var reason: String

        package init(code: Code, reason: String) {
            self.code = code
            self.reason = reason
        }
    }
}
