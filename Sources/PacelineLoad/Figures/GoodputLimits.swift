import PacelineSpeculation

/// The latencies that a request must keep to count as good, such as `ttft:200ms,itl:50ms,e2e:5s`.
package struct GoodputLimits: Sendable, Hashable {
    /// What a limit is for. The raw values are the names on the command line and in reports.
    package enum Measure: String, Sendable, Hashable, CaseIterable {
        /// To the first token.
        case firstToken = "ttft"
        /// Each time between two parts of the answer: the longest decides.
        case interToken = "itl"
        /// For each token after the first, on average.
        case outputToken = "tpot"
        /// To the end.
        case whole = "e2e"
    }

    package private(set) var limits: [Measure: Duration]

    package init(_ limits: [Measure: Duration]) {
        self.limits = limits
    }

    /// Reads the form of the command line. A number without a unit is in milliseconds, and `e2el` is `e2e`, as in
    /// vLLM's `bench serve`.
    ///
    /// - Throws: ``GoodputError``.
    package init(_ text: String) throws(GoodputError) {
        limits = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard pair.count == 2 else { throw .malformed(String(part)) }
            let name = pair[0] == "e2el" ? Measure.whole.rawValue : pair[0]
            guard let measure = Measure(rawValue: name) else { throw .unknownMeasure(pair[0]) }
            guard let limit = Self.duration(pair[1]) else { throw .malformed(String(part)) }
            guard limits.updateValue(limit, forKey: measure) == nil else { throw .repeated(pair[0]) }
        }
    }

    private static func duration(_ text: String) -> Duration? {
        let units = [("us", 0.001), ("ms", 1), ("s", 1000), ("", 1)]
        guard let (unit, milliseconds) = units.first(where: { text.hasSuffix($0.0) }),
            let count = Double(text.dropLast(unit.count)), count > 0, count * milliseconds <= 86_400_000
        else { return nil }
        return .fromMilliseconds(count * milliseconds)
    }

    /// Whether a request that was answered keeps all limits. What it has no figure for, it keeps.
    package func isKept(by record: RequestRecord) -> Bool {
        guard record.outcome == .completed else { return false }
        return limits.allSatisfy { measure, limit in
            let value: Duration? =
                switch measure {
                case .firstToken: record.timeToFirstToken
                case .interToken: record.gaps.max()
                case .outputToken: record.timePerOutputToken
                case .whole: record.latency
                }
            return value.map { $0 <= limit } ?? true
        }
    }
}

/// Why a text is no list of limits.
package enum GoodputError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed(String)
    case unknownMeasure(String)
    case repeated(String)

    package var description: String {
        switch self {
        case .malformed(let part):
            "a limit is a name and a time of at most a day, such as ttft:200ms or e2e:5s, not \"\(part)\""
        case .unknownMeasure(let name):
            "\"\(name)\" cannot be limited; ttft, itl, tpot and e2e can"
        case .repeated(let name): "\(name) is limited twice; name it once"
        }
    }
}
