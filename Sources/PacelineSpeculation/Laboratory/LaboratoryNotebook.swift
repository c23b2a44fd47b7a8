/// What a laboratory has found out so far, as lines that can be kept in a file and read again.
package struct LaboratoryNotebook: Sendable {
    /// One line: exactly one of its fields is set.
    package struct Record: Sendable, Hashable, Codable {
        /// The first line: what all figures depend on, by the name that a user knows it by.
        package var settings: [String: String]?
        package var stream: Stream?
        package var cell: MethodCell?

        package init(settings: [String: String]? = nil, stream: Stream? = nil, cell: MethodCell? = nil) {
            self.settings = settings
            self.stream = stream
            self.cell = cell
        }
    }

    /// The text that the target alone generates for a prompt.
    package struct Stream: Sendable, Hashable, Codable {
        package var sampling: String
        package var prompt: Int
        package var tokens: [Token]

        package init(sampling: String, prompt: Int, tokens: [Token]) {
            self.sampling = sampling
            self.prompt = prompt
            self.tokens = tokens
        }
    }

    private struct StreamKey: Hashable {
        var sampling: String
        var prompt: Int
    }

    package let settings: [String: String]
    private var streams: [StreamKey: PlainStream] = [:]
    private var cells: [MethodCell.Key: MethodCell] = [:]
    /// Of earlier versions, which had one planner a run, among the settings.
    private static let planner = "--planner"

    package init(settings: [String: String]) {
        self.settings = settings
    }

    /// Takes over what earlier runs wrote.
    ///
    /// - Throws: ``LaboratoryNotebookError`` if they were made with other settings.
    package mutating func take(_ records: [Record]) throws(LaboratoryNotebookError) {
        guard let first = records.first else { return }
        guard var others = first.settings else { throw .noSettings }
        let planner = others.removeValue(forKey: Self.planner).flatMap { $0 == "unset" ? nil : $0 }
        for name in Set(settings.keys).union(others.keys).sorted() where settings[name] != others[name] {
            throw .differs(name: name, theirs: others[name] ?? "none", ours: settings[name] ?? "none")
        }
        for var record in records.dropFirst() {
            if record.cell != nil, record.cell?.planner == nil { record.cell?.planner = planner }
            add(record)
        }
    }

    package mutating func add(_ record: Record) {
        if let stream = record.stream {
            streams[StreamKey(sampling: stream.sampling, prompt: stream.prompt)] = PlainStream(stream.tokens)
        }
        if let cell = record.cell { cells[cell.key] = cell }
    }

    package func stream(prompt: Int, sampling: String) -> PlainStream? {
        streams[StreamKey(sampling: sampling, prompt: prompt)]
    }

    package func cell(_ key: MethodCell.Key) -> MethodCell? { cells[key] }
}

/// Why what an earlier run wrote cannot be taken over.
package enum LaboratoryNotebookError: Error, Sendable, Hashable, CustomStringConvertible {
    case noSettings
    case differs(name: String, theirs: String, ours: String)

    package var description: String {
        switch self {
        case .noSettings:
            "its first line does not say how its figures were made, so it is no file of this command"
        case .differs(let name, let theirs, let ours):
            "its figures were made with \(name) \(theirs), and this run has \(name) \(ours)"
        }
    }
}
