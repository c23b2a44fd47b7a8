/// A planner as a user names it: `NAME[:key=value,…]`, as in `eagle-2:width=8,depth=6`.
package struct PlannerSettings: Hashable, Sendable, CustomStringConvertible {
    /// What can be set.
    package enum Key: String, CaseIterable, Sendable {
        /// The most nodes to verify in a round.
        case nodes
        /// The greatest depth of a tree.
        case depth
        /// Children of a node, or paths of a level.
        case width
        /// The length of a chain, and the least one.
        case length, shortest
        /// Expected tokens that a level must add.
        case gain
        /// The probability, or bound of it, below which drafting stops.
        case threshold
        /// The probability of a rejection above which drafting stops.
        case risk
        /// The factor of the entropy.
        case gamma
        /// Proposals that children are drawn from.
        case candidates
        /// Of the noise.
        case seed
    }

    package let name: PlannerName
    /// What ``PlannerName/sequoia`` and ``PlannerName/goodput`` go by.
    package var measured = PlannerMeasurements()
    private let values: [Key: Double]
    /// The settings as the user wrote them.
    private let written: String

    /// Reads a name with its settings.
    package init(_ text: String) throws(PlannerSettingsError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let name = PlannerName(rawValue: parts[0]) else { throw .name(parts[0]) }
        let fields = parts.count == 2 ? parts[1].split(separator: ",", omittingEmptySubsequences: false) : []
        var values: [Key: Double] = [:]
        for field in fields {
            let (key, value) = try Self.read(String(field), of: name)
            guard values.updateValue(value, forKey: key) == nil else { throw .repeated(name, key) }
        }
        (self.name, self.values) = (name, values)
        written = fields.joined(separator: ",")
        if self[.shortest] > self[.length] {
            throw .crossed(name, shortest: int(.shortest), length: int(.length))
        }
    }

    package subscript(key: Key) -> Double { values[key] ?? name.defaults[key] ?? 0 }

    package var description: String { written.isEmpty ? name.rawValue : "\(name.rawValue):\(written)" }

    private func int(_ key: Key) -> Int { Int(self[key]) }

    private static func read(_ field: String, of name: PlannerName) throws(PlannerSettingsError) -> (Key, Double) {
        let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let key = Key(rawValue: parts[0]), name.defaults[key] != nil, parts.count == 2 else {
            throw .unknown(name, field)
        }
        let number = key.isWhole ? Int(parts[1]).map(Double.init) : Double(parts[1])
        guard let number, key.range.contains(number) else { throw .value(name, key, parts[1]) }
        return (key, number)
    }
}

extension PlannerSettings {
    /// The planner; nil for ``PlannerName/bestFirst``, which ``TreeGrower`` itself is.
    package func makePlanner() -> (any TreePlanner)? {
        let (nodes, depth, width, length) = (int(.nodes), int(.depth), int(.width), int(.length))
        let (candidates, seed) = (int(.candidates), UInt64(self[.seed]))
        switch name {
        case .bestFirst: return nil
        case .chain: return ChainPlanner(length: length)
        case .tree: return FixedTreePlanner(width: width, depth: depth)
        case .dynamicTree: return DynamicTreePlanner(width: width, depth: depth, nodes: nodes)
        case .optTree: return OptTreePlanner(nodes: nodes, depth: depth, gain: self[.gain], width: width)
        case .dySpec: return DySpecPlanner(nodes: nodes, depth: depth, threshold: self[.threshold], width: width)
        case .sequoia:
            return SequoiaPlanner(shape: SequoiaShape.best(nodes: nodes, depth: depth, measured: measured))
        case .gumbelTree:
            return GumbelTreePlanner(per: .node, width: width, depth: depth, candidates: candidates, seed: seed)
        case .stochasticBeam:
            return GumbelTreePlanner(per: .level, width: width, depth: depth, candidates: candidates, seed: seed)
        case .entropyStop:
            return EntropyStopPlanner(
                length: length,
                threshold: self[.threshold],
                gamma: self[.gamma],
                width: width
            )
        case .confidenceStop:
            return ConfidenceStopPlanner(lengths: int(.shortest)...length, risk: self[.risk])
        case .goodput: return GoodputPlanner(limit: length, measured: measured)
        }
    }
}

extension PlannerSettings.Key {
    /// The values that are possible.
    package var range: ClosedRange<Double> {
        switch self {
        case .nodes: 1...512
        case .depth, .length, .shortest: 1...32
        case .width, .candidates: 1...64
        case .gain: 0...16
        case .threshold, .risk: 0...1
        case .gamma: 0...10
        case .seed: 0...4_294_967_295
        }
    }

    /// Whether it is a whole number.
    fileprivate var isWhole: Bool {
        switch self {
        case .gain, .threshold, .risk, .gamma: false
        default: true
        }
    }

    fileprivate var bounds: String {
        let (low, high) = (Int(range.lowerBound), Int(range.upperBound))
        return isWhole ? "a whole number from \(low) to \(high)" : "a number from \(low) to \(high)"
    }
}

/// Why a planner's settings make no sense.
package enum PlannerSettingsError: Error, Hashable, CustomStringConvertible {
    case name(String)
    case unknown(PlannerName, String)
    case value(PlannerName, PlannerSettings.Key, String)
    case repeated(PlannerName, PlannerSettings.Key)
    case crossed(PlannerName, shortest: Int, length: Int)

    package var description: String {
        switch self {
        case .name(let name):
            "there is no planner \"\(name)\"; there are \(PlannerName.allCases.map(\.rawValue).joined(separator: ", "))"
        case .unknown(let name, _) where name.keys.isEmpty:
            "\(name.rawValue) has no settings; leave out what follows its name"
        case .unknown(let name, let field):
            "\(name.rawValue) has no setting \"\(field)\"; it has \(name.keys.joined(separator: ", ")), "
                + "as in \(name.example)"
        case .value(let name, let key, let value):
            "\(key.rawValue) of \(name.rawValue) must be \(key.bounds), not \"\(value)\""
        case .repeated(let name, let key):
            "\(key.rawValue) of \(name.rawValue) is set twice; set it once"
        case .crossed(let name, let shortest, let length):
            "shortest of \(name.rawValue) is \(shortest) and length is \(length); shortest must not be greater"
        }
    }
}
