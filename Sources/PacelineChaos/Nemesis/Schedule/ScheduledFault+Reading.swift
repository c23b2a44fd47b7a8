import PacelineCluster
import PacelineSpeculation

extension ScheduledFault {
    private static let times = ["at", "every", "from", "times"]

    init(_ node: ScheduleNode) throws(ScheduleError) {
        (line, column) = (node.line, node.column)
        if node.keys.contains("any") {
            let fields = try node.fields(["any"] + Self.times)
            choices = []
            for item in try fields.required("any").items() { choices.append(try FaultChoice(item, besides: [])) }
            guard !choices.isEmpty else { throw node.failure("any has no entry") }
            times = try Self.times(fields)
        } else {
            choices = [try FaultChoice(node, besides: Self.times)]
            times = try Self.times(ScheduleFields(all: node))
        }
    }

    private static func times(_ fields: ScheduleFields) throws(ScheduleError) -> Times {
        if let every = fields["every"] {
            if let at = fields["at"] { throw at.failure("at and every exclude each other") }
            return .every(
                try every.choice(ScheduleDuration.positive),
                from: try fields["from"]?.choice(ScheduleDuration.any),
                times: try fields["times"]?.whole(1...1_000_000)
            )
        }
        for field in ["from", "times"] {
            if let field = fields[field] { throw field.failure("\(field.name) is for every, and there is none") }
        }
        guard let at = fields["at"] else {
            throw fields.owner.failure("the fault needs at or every, such as at: 5s or every: 10s..20s")
        }
        var moments: [DurationChoice] = []
        for node in try at.oneOrMore() { moments.append(try node.choice(ScheduleDuration.any)) }
        return .at(moments)
    }
}

extension FaultChoice {
    /// The fields of each kind, besides its own word and the times.
    private static let fields: [String: [String]] = [
        "partition": ["direction", "for", "pick"],
        "down": ["for", "pick"],
        "flap": ["down", "up", "for", "pick"],
        "swizzle": ["direction", "for", "pick"],
        "kill": ["signal", "for", "pick"],
        "pause": ["for", "pick"],
        "toxic": ["type", "stream", "toxicity", "attributes", "for", "pick"],
        "heal": [],
    ]

    /// - Parameter besides: fields that belong to others.
    init(_ node: ScheduleNode, besides others: [String]) throws(ScheduleError) {
        let kinds = Self.fields.keys.sorted()
        // `down` is also a field of `flap`.
        let words = node.keys.filter { kinds.contains($0) && !($0 == "down" && node.keys.contains("flap")) }
        guard words.count == 1, let word = words.first else {
            throw Self.unclear(node, kinds: kinds, words: words, others: others)
        }
        let fields = try node.fields([word] + (Self.fields[word] ?? []) + others)
        kind = try Self.kind(word, fields)
        lasting = try fields["for"]?.choice(ScheduleDuration.positive)
        if lasting == nil, ["flap", "swizzle"].contains(word) { throw node.failure("\(word) needs for") }
        targets = try Self.targets(try fields.required(word))
        pick = try fields["pick"]?.whole(1...max(1, targets.count))
        guard kind == .heal, let target = targets.first, targets != ["all"] else { return }
        throw try fields.required(word).failure("heal ends every fault; write heal: all, not \(target.prefix(40))")
    }

    private static func unclear(
        _ node: ScheduleNode,
        kinds: [String],
        words: [String],
        others: [String]
    ) -> ScheduleError {
        let list = kinds.joined(separator: ", ")
        guard words.isEmpty else {
            return node.failure("a fault is one of \(list), not \(words.joined(separator: " and "))")
        }
        let known = others + ["for", "pick"]
        let near = node.keys.filter { !known.contains($0) }.compactMap { key in
            NearestName.of(key, among: kinds + ["any"]).map { (key, $0) }
        }
        guard let (key, meant) = near.first else { return node.failure("a fault is one of \(list)") }
        return node.failure("there is no fault \"\(key.prefix(40))\"; did you mean \"\(meant)\"?")
    }

    private static func targets(_ node: ScheduleNode) throws(ScheduleError) -> [String] {
        var targets: [String] = []
        for item in try node.oneOrMore() {
            let target = try item.text()
            guard !targets.contains(target) else { throw item.failure("\"\(target.prefix(40))\" is named twice") }
            targets.append(target)
        }
        return targets
    }

    private static func kind(_ word: String, _ fields: ScheduleFields) throws(ScheduleError) -> Kind {
        switch word {
        case "partition": .partition(try directions(fields))
        case "down": .down
        case "flap":
            .flap(
                down: try fields["down"]?.choice(ScheduleDuration.positive) ?? DurationChoice(.milliseconds(500)),
                up: try fields["up"]?.choice(ScheduleDuration.positive) ?? DurationChoice(.milliseconds(500))
            )
        case "swizzle": .swizzle(try directions(fields))
        case "kill": .kill(try signal(fields))
        case "pause": .pause
        case "toxic": .toxic(try toxic(fields))
        default: .heal
        }
    }

    private static func directions(_ fields: ScheduleFields) throws(ScheduleError) -> [StreamDirection] {
        guard let node = fields["direction"] else { return StreamDirection.allCases }
        let word = try node.text()
        if word == "both" { return StreamDirection.allCases }
        guard let direction = StreamDirection(rawValue: word) else {
            throw node.mismatch("both, upstream (from clients) or downstream (to clients)")
        }
        return [direction]
    }

    private static func signal(_ fields: ScheduleFields) throws(ScheduleError) -> ProcessSignal {
        guard let node = fields["signal"] else { return .kill }
        guard let signal = ProcessSignal(named: try node.text()), ProcessSignal.ends.contains(signal) else {
            throw node.mismatch("one of \(ProcessSignal.endNames)")
        }
        return signal
    }

    private static func toxic(_ fields: ScheduleFields) throws(ScheduleError) -> ToxicDefinition {
        let typeNode = try fields.required("type")
        let word = try typeNode.text()
        guard let type = ToxicType(rawValue: word) else {
            let known = ToxicType.allCases.map(\.rawValue)
            let hint = NearestName.of(word, among: known) ?? known.joined(separator: ", ")
            throw typeNode.failure("there is no toxic \"\(word.prefix(40))\"; did you mean \(hint)?")
        }
        var toxic = ToxicDefinition(type, try stream(fields), toxicity: try toxicity(fields))
        if let attributes = fields["attributes"] {
            for (name, value) in try attributes.entries(of: "numbers") {
                guard let attribute = type.attributes.first(where: { $0.name == name }) else {
                    let known = type.attributes.map(\.name).joined(separator: ", ")
                    throw value.failure(
                        "\(word) has no \"\(name.prefix(40))\"; it has \(known.isEmpty ? "no attributes" : known)"
                    )
                }
                let number = try value.number()
                guard attribute.accepts(number) else { throw value.mismatch(attribute.expectation) }
                toxic[name] = number
            }
        }
        if let conflict = toxic.conflict { throw (fields["attributes"] ?? typeNode).failure(conflict) }
        return toxic
    }

    private static func stream(_ fields: ScheduleFields) throws(ScheduleError) -> StreamDirection {
        guard let node = fields["stream"] else { return .downstream }
        guard let stream = StreamDirection(rawValue: try node.text()) else {
            throw node.mismatch("upstream or downstream")
        }
        return stream
    }

    private static func toxicity(_ fields: ScheduleFields) throws(ScheduleError) -> Double {
        guard let node = fields["toxicity"] else { return 1 }
        let share = try node.number()
        guard (0...1).contains(share) else { throw node.mismatch("a number from 0 to 1") }
        return share
    }
}
