package import NIOCore
import PacelineSpeculation

/// What a trace tells of a run: the seed, what was changed and when, and the faults.
package struct RecordedRun: Sendable, Hashable {
    package struct Change: Sendable, Hashable {
        package let change: TracedChange
        package let moment: TraceMoment
    }

    package private(set) var seed: UInt64 = 0
    package private(set) var changes: [Change] = []
    package private(set) var faults: [TracedFault] = []
    /// Lines that are missing, because the disk was too slow for them.
    package private(set) var lost: UInt64 = 0

    /// Reads what ``FaultTrace`` wrote. A last line that was cut off, as when the process was killed, is left out.
    ///
    /// - Parameter path: for errors.
    /// - Throws: ``FaultTraceError``.
    package init(_ text: ByteBuffer, path: String) throws(FaultTraceError) {
        let lines = text.readableBytesView.split(separator: 0x0a, omittingEmptySubsequences: false)
        var hasSeed = false
        // What follows the last line break is not a whole line.
        for (index, line) in lines.dropLast().enumerated() {
            do throws(ChaosError) {
                let fields = try ChaosInput.object(ByteBuffer(bytes: line))
                if try fields.required("event") == "serve" { hasSeed = true }
                try take(fields)
            } catch {
                throw .malformed(path: path, line: index + 1, reason: "cannot be read (\(error.message))")
            }
        }
        guard hasSeed else { throw .malformed(path: path, line: 1, reason: "does not tell the seed") }
    }

    private mutating func take(_ fields: ChaosInput) throws(ChaosError) {
        let event = try fields.required("event")
        switch event {
        case "serve": seed = try fields.unsigned("seed")
        case "fault": faults.append(try fields.fault())
        case "lost": lost &+= try fields.unsigned("lines")
        default: changes.append(Change(change: try fields.change(event), moment: try fields.moment()))
        }
    }
}

extension ChaosInput {
    fileprivate func fault() throws(ChaosError) -> TracedFault {
        TracedFault(
            proxy: try required("proxy"),
            connection: try unsigned("connection"),
            stream: try required("stream"),
            toxic: try required("toxic"),
            type: try required("type"),
            offset: try unsigned("offset"),
            fault: try required("fault"),
            detail: try string("detail") ?? ""
        )
    }

    fileprivate func moment() throws(ChaosError) -> TraceMoment {
        let since = try number("since_ms", .share("since_ms", "", fallback: 0, upTo: 0x1p53)) ?? 0
        return TraceMoment(connections: try unsigned("connections"), since: .fromMilliseconds(since))
    }

    fileprivate func change(_ event: String) throws(ChaosError) -> TracedChange {
        let proxy = try required("proxy")
        switch event {
        case "proxy": return .proxy(try definition().proxy())
        case "delete": return .deleted(proxy: proxy)
        case "toxic": return .toxic(proxy: proxy, try definition().toxic())
        case "remove": return .removed(proxy: proxy, toxic: try required("toxic"))
        default: throw .badRequest("event \"\(event.prefix(40))\" is unknown")
        }
    }

    private func definition() throws(ChaosError) -> ChaosInput {
        guard let definition = try object("definition") else { throw missing("definition", "an object") }
        return definition
    }
}

/// Which faults of a run came again in another.
package struct TraceComparison: Sendable, Hashable {
    /// In both runs.
    package private(set) var same = 0
    /// In the first run alone, and in the second alone.
    package private(set) var missing: [TracedFault] = []
    package private(set) var added: [TracedFault] = []

    package var isEqual: Bool { missing.isEmpty && added.isEmpty }

    package init(_ first: [TracedFault], _ second: [TracedFault]) {
        var counts: [TracedFault: Int] = [:]
        for fault in second { counts[fault, default: 0] += 1 }
        for fault in first {
            if let count = counts[fault], count > 0 {
                counts[fault] = count - 1
                same += 1
            } else {
                missing.append(fault)
            }
        }
        for fault in second {
            guard let count = counts[fault], count > 0 else { continue }
            counts[fault] = count - 1
            added.append(fault)
        }
    }
}
