import PacelineCluster

extension NemesisSchedule {
    /// The largest schedule, in bytes.
    package static let sizeLimit = 1 << 20

    private static let fields = [
        "name", "seed", "length", "ready", "recovery", "processes", "links", "checks", "faults",
    ]

    /// Reads a schedule, and checks all that can be checked without touching anything.
    ///
    /// - Parameter path: for errors.
    /// - Throws: ``ScheduleError``.
    package init(_ text: String, path: String) throws(ScheduleError) {
        guard text.utf8.count <= Self.sizeLimit else {
            throw ScheduleError(path: path, line: 1, column: 1, reason: "it is larger than \(Self.sizeLimit) bytes")
        }
        let document = try ScheduleNode.document(text, path: path)
        let fields = try document.fields(Self.fields)
        name = try fields["name"]?.text() ?? path
        seed = try fields["seed"]?.seed() ?? 1
        length = try fields.required("length").duration(ScheduleDuration.positive)
        ready = try fields["ready"]?.duration(ScheduleDuration.any) ?? .seconds(30)
        recovery = try fields["recovery"]?.duration(ScheduleDuration.positive) ?? .seconds(30)
        processes = try Self.named(fields["processes"], "processes") { name, node throws(ScheduleError) in
            try ScheduledProcess(name, node)
        }
        var taken: Set<Endpoint> = []
        links = try Self.named(fields["links"], "links") { name, node throws(ScheduleError) in
            let link = try ScheduledLink(name, node)
            guard link.listen.port == 0 || taken.insert(link.listen).inserted else {
                throw node.failure("another link listens on \(link.listen), too; give \(name) a port of its own")
            }
            return link
        }
        checks = try Self.named(fields["checks"], "checks") { name, node throws(ScheduleError) in
            try ServiceCheck(name, node)
        }
        guard !checks.isEmpty else {
            throw (fields["checks"] ?? document).failure("there must be a check, to see whether the service recovers")
        }
        faults = []
        for node in try fields.required("faults").items() { faults.append(try ScheduledFault(node)) }
        try checkTargets(fields.required("faults"))
        _ = try Timetable(self, seed: seed, path: path)
    }

    private static func named<Value>(
        _ node: ScheduleNode?,
        _ noun: String,
        _ read: (String, ScheduleNode) throws(ScheduleError) -> Value
    ) throws(ScheduleError) -> [Value] {
        guard let node else { return [] }
        var values: [Value] = []
        for (name, value) in try node.entries(of: noun) { values.append(try read(name, value)) }
        return values
    }

    /// Every target must be there, and be what the fault strikes.
    private func checkTargets(_ node: ScheduleNode) throws(ScheduleError) {
        for (fault, item) in zip(faults, try node.items()) {
            for choice in fault.choices where choice.kind != .heal {
                let known = choice.kind.strikesProcesses ? processes.map(\.name) : links.map(\.name)
                let noun = choice.kind.strikesProcesses ? "process" : "link"
                for target in choice.targets where !known.contains(target) {
                    let hint =
                        NearestName.of(target, among: known).map { "did you mean \"\($0)\"?" }
                        ?? (known.isEmpty
                            ? "there is no \(noun) at all" : "there are \(known.joined(separator: ", "))")
                    throw item.failure("there is no \(noun) \"\(target.prefix(40))\"; \(hint)")
                }
            }
        }
    }
}

extension ScheduledCommand {
    /// Reads a command: text for a shell, or a list of arguments.
    init(_ node: ScheduleNode) throws(ScheduleError) {
        guard node.isList else {
            self.init(arguments: ["/bin/sh", "-c", try node.text()])
            return
        }
        var words: [String] = []
        for word in try node.oneOrMore() { words.append(try word.text()) }
        self.init(arguments: words)
    }
}

extension ScheduledProcess {
    private static let sources = ["run", "pid-file", "match", "port", "pid"]

    init(_ name: String, _ node: ScheduleNode) throws(ScheduleError) {
        self.name = name
        let fields = try node.fields(Self.sources + ["directory", "environment", "output", "restart", "descendants"])
        let given = Self.sources.filter { fields[$0] != nil }
        guard given.count == 1, let word = given.first else {
            throw node.failure("\(name) needs one of \(Self.sources.joined(separator: ", ")), not \(given.count)")
        }
        source = try Self.source(word, fields)
        includesDescendants = try fields["descendants"]?.flag() ?? true
        if let restart = fields["restart"] {
            guard word != "run" else {
                throw restart.failure("a process with run is started again with it; leave restart out")
            }
            self.restart = try Self.command(restart, fields)
        } else if word != "run",
            let field = ["directory", "environment", "output"].lazy.compactMap({ fields[$0] }).first
        {
            throw field.failure("\(field.name) is for run and restart, and there is neither")
        }
    }

    private static func source(_ word: String, _ fields: ScheduleFields) throws(ScheduleError) -> Source {
        let node = try fields.required(word)
        return switch word {
        case "run": .started(try command(node, fields))
        case "pid-file": .found(.pidFile(try node.text()))
        case "match": .found(.match(try node.text()))
        case "port": .found(.port(try node.whole(1...65535)))
        default: .found(.pid(Int32(clamping: try node.whole(2...Int(Int32.max)))))
        }
    }

    private static func command(
        _ node: ScheduleNode,
        _ fields: ScheduleFields
    ) throws(ScheduleError) -> ScheduledCommand {
        var command = try ScheduledCommand(node)
        command.directory = try fields["directory"]?.text()
        command.output = try fields["output"]?.text()
        if let environment = fields["environment"] {
            for (name, value) in try environment.entries(of: "values") {
                guard !name.contains("=") else { throw value.failure("a variable's name has no \"=\"") }
                command.environment[name] = try value.text()
            }
        }
        return command
    }
}

extension ScheduledLink {
    init(_ name: String, _ node: ScheduleNode) throws(ScheduleError) {
        self.name = name
        let fields = try node.fields(["listen", "upstream"])
        listen = try fields.required("listen").endpoint(allowsAnyPort: true)
        upstream = try fields.required("upstream").endpoint(allowsAnyPort: false)
    }
}

extension ServiceCheck {
    private static let probes = ["http", "tcp", "command"]

    init(_ name: String, _ node: ScheduleNode) throws(ScheduleError) {
        self.name = name
        let fields = try node.fields(
            Self.probes + ["status", "send", "contains", "directory", "every", "timeout", "clients"]
        )
        let given = Self.probes.filter { fields[$0] != nil }
        guard given.count == 1, let word = given.first else {
            throw node.failure("\(name) needs one of \(Self.probes.joined(separator: ", ")), not \(given.count)")
        }
        for (field, owner) in [("status", "http"), ("send", "tcp"), ("directory", "command")] where word != owner {
            if let field = fields[field] { throw field.failure("\(field.name) is for \(owner)") }
        }
        probe = try Self.probe(word, fields)
        contains = try fields["contains"]?.text() ?? ""
        every = try fields["every"]?.duration(ScheduleDuration.positive) ?? .seconds(1)
        timeout = try fields["timeout"]?.duration(ScheduleDuration.positive) ?? .seconds(1)
        clients = try fields["clients"]?.whole(1...256) ?? 1
    }

    private static func probe(_ word: String, _ fields: ScheduleFields) throws(ScheduleError) -> Probe {
        let node = try fields.required(word)
        switch word {
        case "http":
            let url = try node.text()
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw node.mismatch("a URL, such as http://127.0.0.1:8080/health")
            }
            return .http(url: url, statuses: try fields["status"]?.statuses() ?? 200...299)
        case "tcp":
            let send = try fields["send"]?.text(allowsNull: true) ?? ""
            return .tcp(try node.endpoint(allowsAnyPort: false), send: send)
        default:
            var command = try ScheduledCommand(node)
            command.directory = try fields["directory"]?.text()
            return .command(command)
        }
    }
}

extension ScheduleNode {
    /// A status, or two with `..` between.
    fileprivate func statuses() throws(ScheduleError) -> ClosedRange<Int> {
        let text = try text()
        let dots = text.firstRange(of: "..")
        let ends = dots.map { [text[..<$0.lowerBound], text[$0.upperBound...]] } ?? [text[...]]
        guard let low = ends.first.flatMap({ Int($0) }), let high = ends.last.flatMap({ Int($0) }),
            (100...599).contains(low), (low...599).contains(high)
        else { throw mismatch("a status, such as 200, or a range, such as 200..399") }
        return low...high
    }
}
