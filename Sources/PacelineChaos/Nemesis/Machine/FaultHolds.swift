/// What faults hold at the moment. Where several hold the same thing, it begins with the first and ends with the last.
struct FaultHolds: Sendable {
    /// What is held.
    struct Key: Sendable, Hashable {
        var target: String
        /// What is held of it: a direction, for example.
        var aspect: String
    }

    private var holders: [Key: [FaultSpan]] = [:]
    /// Processes that somebody else starts again as soon as they end, so that no kill lasts.
    private let comingBack: Set<String>

    init(comingBack: Set<String>) {
        self.comingBack = comingBack
    }

    /// A span begins.
    ///
    /// - Returns: whether something is to be done.
    mutating func take(_ span: FaultSpan) -> Bool {
        switch span.effect {
        case .kill(let process, _):
            // It goes on, to obey, and what held it holds nothing any more.
            holders[Key(target: process, aspect: "pause")] = nil
            if comingBack.contains(process) { return true }
        case .pause(let process) where isKilled(process): return false
        default: break
        }
        let key = Self.key(span.effect, span.strike)
        holders[key, default: []].append(span)
        return holders[key]?.count == 1
    }

    /// Whether a fault has killed the process and not brought it back.
    func isKilled(_ process: String) -> Bool { holders[Key(target: process, aspect: "kill")] != nil }

    /// A span ends.
    ///
    /// - Returns: whether something is to be done.
    mutating func release(_ span: FaultSpan) -> Bool { remove(span.effect, span.strike) && isFree(span) }

    /// What a strike was to do could not be done.
    ///
    /// - Returns: what has waited for its end, and is to be done in its place.
    mutating func fail(_ effect: FaultEffect, strike: Int) -> FaultSpan? {
        remove(effect, strike) ? holders[Self.key(effect, strike)]?.first : nil
    }

    private mutating func remove(_ effect: FaultEffect, _ strike: Int) -> Bool {
        let key = Self.key(effect, strike)
        guard var spans = holders[key], let place = spans.firstIndex(where: { $0.strike == strike }) else {
            return false
        }
        spans.remove(at: place)
        holders[key] = spans.isEmpty ? nil : spans
        return true
    }

    private func isFree(_ span: FaultSpan) -> Bool { holders[Self.key(span.effect, span.strike)] == nil }

    static func key(_ effect: FaultEffect, _ strike: Int) -> Key {
        let aspect =
            switch effect {
            case .cut(_, let direction): "cut \(direction.rawValue)"
            case .disable: "down"
            // Each toxic has a name of its own.
            case .toxic: "toxic \(strike)"
            case .kill: "kill"
            case .pause: "pause"
            }
        return Key(target: effect.target, aspect: aspect)
    }
}
