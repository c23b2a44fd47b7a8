/// The name of a metric: letters, digits, underscores and colons, no digit first.
///
/// Any text becomes a name, so that a library's `http.server.duration` cannot break the exposition.
package struct MetricName: Sendable, Hashable, Comparable, ExpressibleByStringLiteral {
    package let text: String

    /// Every character that a name cannot have becomes an underscore.
    package init(_ raw: String) {
        text = ExpositionCharacters.name(of: raw, allowsColon: true)
    }

    package init(stringLiteral value: String) {
        self.init(value)
    }

    /// The name with `suffix` at its end, added only if it is not there yet.
    package func ending(in suffix: String) -> MetricName {
        text.hasSuffix(suffix) ? self : MetricName(text + suffix)
    }

    package static func < (left: MetricName, right: MetricName) -> Bool {
        left.text < right.text
    }
}

/// What tells apart the series of one metric: names with values, in the order of the names.
package struct MetricLabels: Sendable, Hashable, Comparable, ExpressibleByDictionaryLiteral {
    /// A label and its value.
    package struct Label: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package static let none = MetricLabels([])

    /// Sorted by name; no name twice.
    package let labels: [Label]

    /// - Parameters:
    ///   - pairs: every character that a name cannot have becomes an underscore; of equal names the first counts.
    ///   - valueLimit: values are cut to this many Unicode scalars.
    package init(_ pairs: [(String, String)], valueLimit: Int = .max) {
        var labels: [Label] = []
        for (name, value) in pairs {
            let name = Self.name(of: name)
            guard !labels.contains(where: { $0.name == name }) else { continue }
            labels.append(Label(name: name, value: Self.cut(value, to: valueLimit)))
        }
        self.labels = labels.sorted { $0.name < $1.name }
    }

    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    /// These labels and `other`; these win where both have a name.
    package func merging(_ other: MetricLabels) -> MetricLabels {
        MetricLabels((labels + other.labels).map { ($0.name, $0.value) })
    }

    package static func < (left: MetricLabels, right: MetricLabels) -> Bool {
        left.labels.lexicographicallyPrecedes(right.labels) { ($0.name, $0.value) < ($1.name, $1.value) }
    }

    /// Prometheus keeps names that begin with two underscores, and the label of a histogram's buckets, for itself.
    private static func name(of raw: String) -> String {
        let name = ExpositionCharacters.name(of: raw, allowsColon: false)
        return name == "le" || name == "quantile" || name.hasPrefix("__") ? "exported_" + name : name
    }

    private static func cut(_ value: String, to limit: Int) -> String {
        guard value.unicodeScalars.count > limit else { return value }
        return String(String.UnicodeScalarView(value.unicodeScalars.prefix(limit)))
    }
}

/// The alphabet of names.
private enum ExpositionCharacters {
    static func name(of raw: String, allowsColon: Bool) -> String {
        if isName(raw, allowsColon) { return raw }
        var name = ""
        for scalar in raw.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
            case "0"..."9":
                if name.isEmpty { name = "_" }
                name.unicodeScalars.append(scalar)
            case ":" where allowsColon: name += ":"
            default: name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }

    private static func isName(_ raw: String, _ allowsColon: Bool) -> Bool {
        guard let first = raw.utf8.first, !isDigit(first) else { return false }
        return raw.utf8.allSatisfy { byte in
            isDigit(byte) || byte == UInt8(ascii: "_") || allowsColon && byte == UInt8(ascii: ":")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
