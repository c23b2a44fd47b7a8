import Foundation
import PacelineCluster
import Yams

/// A value of a schedule with its place in the file. Everything that is wrong is told with line and column.
struct ScheduleNode {
    let node: Node
    /// The file, for errors.
    let path: String
    /// What it is, for errors: `for`, or `an entry of targets`.
    let name: String

    /// Reads a document that is one mapping.
    ///
    /// - Throws: ``ScheduleError``.
    static func document(_ text: String, path: String) throws(ScheduleError) -> ScheduleNode {
        let node: Node?
        do {
            node = try compose(yaml: text)
        } catch let error as YamlError {
            throw ScheduleError(error, path: path, text: text)
        } catch {
            throw ScheduleError(path: path, line: 1, column: 1, reason: "it is not valid YAML (\(error))")
        }
        guard let node else {
            let reason = "it is empty; see paceline chaos nemesis --help"
            throw ScheduleError(path: path, line: 1, column: 1, reason: reason)
        }
        return ScheduleNode(node: node, path: path, name: "the schedule")
    }

    var line: Int { node.mark?.line ?? 1 }
    var column: Int { node.mark?.column ?? 1 }

    func failure(_ reason: String) -> ScheduleError {
        ScheduleError(path: path, line: line, column: column, reason: reason)
    }

    /// What it is instead of what was wanted.
    func mismatch(_ expected: String) -> ScheduleError {
        failure("\(name) must be \(expected), not \(words)")
    }

    private var words: String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "empty" : "\"\(scalar.string.prefix(40))\""
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .alias: "an alias"
        }
    }

    // MARK: Mappings and lists

    /// The entries of a mapping, in their order, whose keys may be any names.
    func entries(of noun: String) throws(ScheduleError) -> [(name: String, value: ScheduleNode)] {
        guard case .mapping(let mapping) = node else { throw mismatch("a mapping from names to \(noun)") }
        var entries: [(name: String, value: ScheduleNode)] = []
        for (key, value) in mapping {
            entries.append((try self.key(key), ScheduleNode(node: value, path: path, name: try self.key(key))))
        }
        return entries
    }

    /// The fields of a mapping with none besides `known`.
    func fields(_ known: [String]) throws(ScheduleError) -> ScheduleFields {
        guard case .mapping(let mapping) = node else {
            throw mismatch("a mapping with \(known.joined(separator: ", "))")
        }
        var fields: [String: ScheduleNode] = [:]
        for (keyNode, value) in mapping {
            let key = try self.key(keyNode)
            guard known.contains(key) else {
                let place = ScheduleNode(node: keyNode, path: path, name: key)
                let hint = NearestName.of(key, among: known).map { "did you mean \"\($0)\"?" }
                throw place.failure(
                    "\(name) has no \"\(key.prefix(40))\"; "
                        + (hint ?? "it has \(known.joined(separator: ", "))")
                )
            }
            fields[key] = ScheduleNode(node: value, path: path, name: key)
        }
        return ScheduleFields(owner: self, fields: fields)
    }

    /// The keys of a mapping; none for anything else.
    var keys: [String] {
        guard case .mapping(let mapping) = node else { return [] }
        return mapping.compactMap { $0.key.scalar?.string }
    }

    private func key(_ node: Node) throws(ScheduleError) -> String {
        let place = ScheduleNode(node: node, path: path, name: "a key of \(name)")
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw place.mismatch("a name") }
        return scalar.string
    }

    /// The items of a list.
    func items() throws(ScheduleError) -> [ScheduleNode] {
        guard case .sequence(let sequence) = node else { throw mismatch("a list") }
        return sequence.map { ScheduleNode(node: $0, path: path, name: "an entry of \(name)") }
    }

    /// The items of a list, or the one value that stands for a list of it.
    func oneOrMore() throws(ScheduleError) -> [ScheduleNode] {
        guard case .sequence = node else { return [self] }
        let items = try items()
        guard !items.isEmpty else { throw failure("\(name) has no entry") }
        return items
    }

    var isList: Bool {
        if case .sequence = node { true } else { false }
    }

    // MARK: Values

    /// Text that is not empty.
    ///
    /// - Parameter allowsNull: whether it may have null characters, which end a word of a command.
    func text(allowsNull: Bool = false) throws(ScheduleError) -> String {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw mismatch("text") }
        guard allowsNull || !scalar.string.utf8.contains(0) else { throw failure("\(name) has a null character") }
        return scalar.string
    }

    func whole(_ range: ClosedRange<Int>) throws(ScheduleError) -> Int {
        guard let number = Int(try text()), range.contains(number) else {
            throw mismatch("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func seed() throws(ScheduleError) -> UInt64 {
        guard let number = UInt64(try text()) else { throw mismatch("a whole number from 0 to 2^64 - 1") }
        return number
    }

    func number() throws(ScheduleError) -> Double {
        guard let number = Double(try text()), number.isFinite else { throw mismatch("a number") }
        return number
    }

    func flag() throws(ScheduleError) -> Bool {
        switch try text() {
        case "true": true
        case "false": false
        default: throw mismatch("true or false")
        }
    }

    /// - Parameter allowsAnyPort: whether the port may be 0.
    func endpoint(allowsAnyPort: Bool) throws(ScheduleError) -> Endpoint {
        let text = try text()
        guard let endpoint = try? Endpoint(text), allowsAnyPort || endpoint.port > 0 else {
            throw mismatch("HOST:PORT, such as 127.0.0.1:5432")
        }
        return endpoint
    }

    func duration(_ range: ClosedRange<Duration>) throws(ScheduleError) -> Duration {
        guard let duration = ScheduleDuration.read(try text()) else { throw mismatch("a time, such as 500ms or 2s") }
        guard range.contains(duration) else { throw mismatch(ScheduleDuration.words(range)) }
        return duration
    }

    /// A time, or two with `..` between for a random one within.
    func choice(_ range: ClosedRange<Duration>) throws(ScheduleError) -> DurationChoice {
        let text = try text()
        guard let choice = ScheduleDuration.choice(text) else {
            throw mismatch("a time, such as 2s, or a range of times, such as 1s..3s")
        }
        guard range.contains(choice.range.lowerBound), range.contains(choice.range.upperBound) else {
            throw mismatch(ScheduleDuration.words(range))
        }
        return choice
    }
}

/// The fields of one mapping.
struct ScheduleFields {
    let owner: ScheduleNode
    fileprivate let fields: [String: ScheduleNode]

    fileprivate init(owner: ScheduleNode, fields: [String: ScheduleNode]) {
        (self.owner, self.fields) = (owner, fields)
    }

    /// All fields of a mapping whose names were checked before.
    init(all owner: ScheduleNode) {
        self.owner = owner
        let mapping = owner.node.mapping ?? Node.Mapping([])
        let entries = mapping.compactMap { key, value in
            key.scalar.map { ($0.string, ScheduleNode(node: value, path: owner.path, name: $0.string)) }
        }
        fields = Dictionary(entries, uniquingKeysWith: { first, _ in first })
    }

    subscript(name: String) -> ScheduleNode? { fields[name] }

    func required(_ name: String) throws(ScheduleError) -> ScheduleNode {
        guard let node = fields[name] else { throw owner.failure("\(owner.name) needs \(name)") }
        return node
    }
}

extension ScheduleError {
    fileprivate init(_ error: YamlError, path: String, text: String) {
        var (line, column, problem) = (1, 1, "\(error)")
        switch error {
        case .scanner(let context, let reason, let mark, _), .parser(let context, let reason, let mark, _),
            .composer(let context, let reason, let mark, _):
            (line, column) = (mark.line, mark.column)
            problem = (context.map { "\($0.text), " } ?? "") + reason
        case .duplicatedKeysInMapping(let keys, let context):
            (line, column) = (context.mark.line, context.mark.column)
            problem = "the mapping has \(keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")) more than once"
        case .reader(let reason, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            line = before.count { $0.isNewline } + 1
            column = before.reversed().prefix { !$0.isNewline }.count + 1
            problem = reason
        case .memory: problem = "it is nested too deeply"
        default: break
        }
        let words = problem.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.init(path: path, line: line, column: column, reason: "it is not valid YAML: \(words)")
    }
}
