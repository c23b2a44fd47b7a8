/// What faults hold at the moment. Where several hold the same thing, it begins with the first and ends with the last.
struct FaultHolds: Sendable {
    private struct Key: Hashable {
        var target: String
        /// What is held of it: a direction, for example.
        var aspect: String
    }

    private var holders: [Key: Set<Int>] = [:]
    /// Processes that are killed, by what killed them.
    private var killed: [String: Set<Int>] = [:]

    /// A span begins.
    ///
    /// - Returns: whether something is to be done.
    mutating func take(_ span: FaultSpan) -> Bool {
        switch span.effect {
        case .kill(let process, _):
            // What stopped it has nothing left to continue.
            holders[Key(target: process, aspect: "pause")] = nil
            return add(span.strike, to: &killed[process, default: []])
        case .pause(let process) where isKilled(process): return false
        default: return add(span.strike, to: &holders[key(span), default: []])
        }
    }

    /// Whether a fault has killed the process and not brought it back.
    func isKilled(_ process: String) -> Bool { killed[process]?.isEmpty == false }

    /// A span ends.
    ///
    /// - Returns: whether something is to be done.
    mutating func release(_ span: FaultSpan) -> Bool {
        if case .kill(let process, _) = span.effect { return remove(span.strike, from: &killed[process, default: []]) }
        return remove(span.strike, from: &holders[key(span), default: []])
    }

    private func key(_ span: FaultSpan) -> Key {
        let aspect =
            switch span.effect {
            case .cut(_, let direction): "cut \(direction.rawValue)"
            case .disable: "down"
            // Each toxic has a name of its own.
            case .toxic: "toxic \(span.strike)"
            case .kill: "kill"
            case .pause: "pause"
            }
        return Key(target: span.effect.target, aspect: aspect)
    }

    private func add(_ strike: Int, to holders: inout Set<Int>) -> Bool {
        let isFirst = holders.isEmpty
        holders.insert(strike)
        return isFirst
    }

    private func remove(_ strike: Int, from holders: inout Set<Int>) -> Bool {
        holders.remove(strike) != nil && holders.isEmpty
    }
}
