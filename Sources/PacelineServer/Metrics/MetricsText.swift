/// Figures in Prometheus' text format, version 0.0.4, for `/metrics`.
///
/// Names follow vLLM's if it has them, with the prefix `paceline_`.
package struct MetricsText: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case counter, gauge
    }

    /// The content type of the format.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The lines so far.
    package private(set) var text = ""

    package init() {}

    /// Adds a figure without labels.
    package mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        add(name, kind, help, label: "", [("", Double(value))])
    }

    /// Adds a figure with one label, once per value of the label; adds nothing without values.
    package mutating func add(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        label: String,
        _ values: [(label: String, value: Double)]
    ) {
        guard !values.isEmpty else { return }
        text += "# HELP paceline_\(name) \(help)\n# TYPE paceline_\(name) \(kind.rawValue)\n"
        for (labelled, value) in values {
            let labels = label.isEmpty ? "" : "{\(label)=\"\(Self.escaped(labelled))\"}"
            text += "paceline_\(name)\(labels) \(Self.number(value))\n"
        }
    }

    private static func number(_ value: Double) -> String {
        Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ label: String) -> String {
        label.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
