import Configuration
import Foundation
import PacelineCluster

/// A file of settings: YAML, one key of an option a line.
struct ConfigurationFile {
    /// The largest file, in bytes.
    static let limit = 1 << 20

    let path: String
    /// The keys, in the order of the file, with their lines from 1 on.
    let keys: [(key: String, line: Int)]
    private let values: YAMLSnapshot

    /// Reads a file.
    ///
    /// - Throws: ``ConfigurationError`` if it cannot be read or is not YAML of that form.
    init(path: String) throws {
        let bytes: [UInt8]
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            bytes = try Array(handle.read(upToCount: Self.limit + 1) ?? Data())
        } catch {
            throw ConfigurationError.unreadable(
                path: path,
                reason: (error as NSError).localizedFailureReason ?? "\(error)"
            )
        }
        guard bytes.count <= Self.limit else { throw ConfigurationError.tooLarge(path: path) }
        try self.init(path: path, bytes: bytes)
    }

    /// - Parameter path: only for errors.
    init(path: String, bytes: [UInt8]) throws {
        self.path = path
        keys = try Self.keys(of: String(decoding: bytes, as: UTF8.self), path: path)
        guard !keys.isEmpty else {
            values = try YAMLSnapshot(data: Array("{}".utf8).span.bytes, providerName: path, parsingOptions: .default)
            return
        }
        do {
            values = try YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: .default)
        } catch {
            throw ConfigurationError.notYAML(path: path, reason: "\(error)")
        }
    }

    /// Checks that every key is an option's, and none is another name of one before it.
    func check(_ options: [ConfigurableOption]) throws(ConfigurationError) {
        var lines: [String: Int] = [:]
        for (key, line) in keys {
            guard let option = options.first(where: { $0.keys.contains(key) }) else {
                let nearest = NearestName.of(key, among: options.flatMap(\.keys))
                throw ConfigurationError.unknownKey(key, .file(path, line: line), nearest: nearest)
            }
            if let first = lines.updateValue(line, forKey: option.key) {
                throw ConfigurationError.repeatedKey(key, .file(path, line: line), first: first)
            }
        }
    }

    /// What sets an option, and the line that says so; nil if none does, or its value is null.
    func setting(of option: ConfigurableOption) throws -> (value: ConfigurableOption.Value, line: Int)? {
        guard let (key, line) = keys.first(where: { option.keys.contains($0.key) }) else { return nil }
        if let text = text(key) {
            if ["", "~", "null"].contains(text) { return nil }
            switch option.kind {
            case .single: return (.single(text), line)
            case .list: return (.list([text]), line)
            case .flag:
                guard case .bool(let isOn)? = content(key, .bool) else {
                    throw ConfigurationError.notBoolean(.file(path, line: line), value: text)
                }
                return (.flag(isOn), line)
            }
        }
        guard case .stringArray(let items)? = content(key, .stringArray), option.kind != .flag else {
            throw ConfigurationError.notValue(key, .file(path, line: line))
        }
        return (option.kind == .list ? .list(items) : .single(items.joined(separator: ",")), line)
    }

    private func text(_ key: String) -> String? {
        if case .string(let text)? = content(key, .string) { text } else { nil }
    }

    /// The value of a key; nil if it is none of this type.
    private func content(_ key: String, _ type: ConfigType) -> ConfigContent? {
        try? values.value(forKey: AbsoluteConfigKey([key]), type: type).value?.content
    }

    // MARK: Lines

    /// The keys of the outermost mapping. Their lines are what the library does not tell.
    private static func keys(of text: String, path: String) throws(ConfigurationError) -> [(String, Int)] {
        var keys: [(String, Int)] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.drop { $0 == "\u{FEFF}" }
            // What is indented, a list's items included, belongs to the key above.
            guard let first = line.unicodeScalars.first, !" \t\r#-%]}.".unicodeScalars.contains(first) else { continue }
            guard let key = key(in: line) else {
                throw ConfigurationError.noKey(.file(path, line: index + 1), text: String(line.prefix(60)))
            }
            if let first = keys.first(where: { $0.0 == key }) {
                throw ConfigurationError.repeatedKey(key, .file(path, line: index + 1), first: first.1)
            }
            keys.append((key, index + 1))
        }
        return keys
    }

    private static func key(in line: Substring) -> String? {
        guard let first = line.first, !"{[&*!|>@`?".contains(first) else { return nil }
        var rest = line
        let quote = line.first.flatMap { "\"'".contains($0) ? $0 : nil }
        if let quote {
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: quote) else { return nil }
            let after = rest[rest.index(after: end)...].drop { $0 == " " }
            return after.first == ":" ? String(rest[..<end]) : nil
        }
        for place in rest.indices where rest[place] == ":" {
            let after = rest[rest.index(after: place)...].first
            guard after == nil || after == " " || after == "\t" || after == "\r" else { continue }
            return String(rest[..<place].reversed().drop { $0 == " " }.reversed())
        }
        return nil
    }
}
