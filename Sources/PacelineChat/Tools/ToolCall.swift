/// A part of an answer, in the order in which the model wrote it.
package enum AnswerPart: Sendable, Hashable {
    case content(String)
    /// A call begins: the tool's name. Calls count from 0.
    case call(index: Int, name: String)
    /// More of a call's arguments. All of them together are the text of one JSON object.
    case arguments(index: Int, String)
}

extension [AnswerPart] {
    /// Adds what came after; what belongs together becomes one part.
    package mutating func add(_ part: AnswerPart) {
        switch (last, part) {
        case (.content(let text)?, .content(let more)): self[count - 1] = .content(text + more)
        case (.arguments(let index, let text)?, .arguments(let other, let more)) where index == other:
            self[count - 1] = .arguments(index: index, text + more)
        default: append(part)
        }
    }

    /// All text that is no call.
    package var content: String {
        map { if case .content(let text) = $0 { text } else { "" } }.joined()
    }

    /// The calls, whole.
    package var calls: [(index: Int, name: String, arguments: String)] {
        var calls: [(index: Int, name: String, arguments: String)] = []
        for part in self {
            switch part {
            case .content: break
            case .call(let index, let name): calls.append((index, name, ""))
            case .arguments(let index, let text):
                guard let place = calls.firstIndex(where: { $0.index == index }) else { continue }
                calls[place].arguments += text
            }
        }
        return calls
    }
}

/// A call that a model wrote.
struct ToolCall: Sendable {
    let name: String
    /// The text of a JSON object.
    let arguments: String
}

extension ToolCall {
    /// Reads `{"name": …, "arguments": {…}}`, whose arguments may be called `parameters`.
    ///
    /// The arguments are taken as they were written. Some models write the object into a string.
    ///
    /// - Parameters:
    ///   - object: valid JSON.
    ///   - entries: where its keys and values are.
    /// - Returns: nil for an object that is no call.
    init?(_ object: [UInt8], entries: [(key: Range<Int>, value: Range<Int>)]) {
        func text(_ range: Range<Int>) -> String {
            String(decoding: object[range], as: UTF8.self)
        }
        var name: String?
        var arguments: String?
        for entry in entries {
            // As readers do: of a key that comes twice, the last counts.
            switch try? JSONReader.read(text(entry.key)) {
            case .text("name")?:
                guard case .text(let value)? = try? JSONReader.read(text(entry.value)) else { return nil }
                name = value.string
            case .text("arguments")?, .text("parameters")?: arguments = text(entry.value)
            default: break
            }
        }
        guard let name, !name.isEmpty, let object = Self.object(arguments ?? "{}") else { return nil }
        (self.name, self.arguments) = (name, object)
    }

    private static func object(_ text: String) -> String? {
        switch try? JSONReader.read(text) {
        case .mapping?: return text
        case TemplateValue.none?: return "{}"
        case .text(let inner)?:
            guard case .mapping? = try? JSONReader.read(inner.string) else { return nil }
            return inner.string
        default: return nil
        }
    }
}
