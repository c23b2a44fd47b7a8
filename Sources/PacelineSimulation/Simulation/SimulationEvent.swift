package import PacelineCluster
import PacelineServer

/// Something that happened in a run, for people.
package struct SimulationEvent: Sendable {
    package let at: Instant
    /// `fault`, `frame`, `pass` and so on.
    package let kind: String
    /// Who did it, and whom it concerns; nil where it is nobody in particular.
    package let from: String?
    package let to: String?
    package let detail: String

    /// One line of a trace.
    package var json: String {
        let line = Line(ms: milliseconds, event: kind, from: from, to: to, detail: detail)
        // Strings and finite numbers can always be encoded.
        return (try? JSON.encode(line)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// Since the run began, to the microsecond.
    package var milliseconds: Double { Double(at.nanoseconds / 1000) / 1000 }

    private struct Line: Encodable {
        var ms: Double
        var event: String
        var from: String?
        var to: String?
        var detail: String
    }
}

/// Takes the events of a run as they happen.
package typealias SimulationLog = (SimulationEvent) -> Void
