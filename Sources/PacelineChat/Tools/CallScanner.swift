/// Follows what comes behind the beginning of a call, byte by byte, until the call is whole or cannot become one.
struct CallScanner: Sendable {
    enum Progress {
        case more
        case call(ToolCall)
        case invalid
    }

    private enum State {
        /// Before the object, behind white space.
        case beforeObject
        case object
        case function
        /// Mistral: before an array, a name or an object.
        case beforeAny
        /// Mistral's newer form: the name, then `[ARGS]` or `[CALL_ID]…[ARGS]`, then the arguments.
        case name
        case beforeArguments
        case arguments
    }

    private var state: State
    /// Of the part that the state is about. Not in the state, which would be copied with every byte.
    private var text: [UInt8] = []
    private var object = ObjectScanner()
    private var function: FunctionScanner
    private var name = ""
    /// Whether calls are items of an array.
    private(set) var isInArray: Bool

    private static let argumentsMarker = Array("[ARGS]".utf8)
    private static let idMarker = Array("[CALL_ID]".utf8)
    private static let nameLimit = 320

    /// Behind an opener of the format.
    init(_ format: ToolCallFormat, opener: [UInt8]) {
        isInArray = false
        function = FunctionScanner(isOpened: opener.starts(with: "<function=".utf8))
        state =
            switch format {
            case .hermes, .llama: .beforeObject
            case .qwenCoder: .function
            case .mistral: .beforeAny
            }
    }

    /// At an object, without an opener.
    init(objectInArray: Bool) {
        isInArray = objectInArray
        function = FunctionScanner(isOpened: false)
        state = .beforeObject
    }

    mutating func take(_ byte: UInt8, _ tools: ToolDescriptions) -> Progress {
        switch state {
        case .beforeObject: return byte.isSpace ? .more : begin(byte, .object)
        case .object: return takeObject(byte) { ToolCall($0, entries: $1.entries) }
        case .function:
            switch function.take(byte) {
            case .more: return .more
            case .invalid: return .invalid
            case .complete: return .call(ToolCall(function, tools))
            }
        case .beforeAny: return byte.isSpace ? .more : beginAny(byte)
        case .name: return takeName(byte)
        case .beforeArguments: return byte.isSpace ? .more : begin(byte, .arguments)
        case .arguments:
            let name = name
            return takeObject(byte) { text, _ in
                ToolCall(name: name, arguments: String(decoding: text, as: UTF8.self))
            }
        }
    }

    private mutating func begin(_ byte: UInt8, _ next: State) -> Progress {
        (text, object, state) = ([], ObjectScanner(), next)
        return takeObject(byte) { _, _ in nil }
    }

    private mutating func takeObject(_ byte: UInt8, _ call: ([UInt8], ObjectScanner) -> ToolCall?) -> Progress {
        text.append(byte)
        switch object.take(byte) {
        case .more: return .more
        case .invalid: return .invalid
        case .complete: return call(text, object).map { .call($0) } ?? .invalid
        }
    }

    private mutating func beginAny(_ byte: UInt8) -> Progress {
        switch byte {
        case UInt8(ascii: "["):
            isInArray = true
            state = .beforeObject
            return .more
        case UInt8(ascii: "{"): return begin(byte, .object)
        default:
            state = .name
            return takeName(byte)
        }
    }

    private mutating func takeName(_ byte: UInt8) -> Progress {
        guard byte != UInt8(ascii: "{") else { return endName() ? begin(byte, .arguments) : .invalid }
        guard !byte.isSpace || byte == 0x20, text.count < Self.nameLimit else { return .invalid }
        text.append(byte)
        guard text.suffix(Self.argumentsMarker.count).elementsEqual(Self.argumentsMarker) else { return .more }
        text.removeLast(Self.argumentsMarker.count)
        guard endName() else { return .invalid }
        state = .beforeArguments
        return .more
    }

    /// The id that the model gave the call is not its name.
    private mutating func endName() -> Bool {
        defer { text = [] }
        var end = text.count
        if let place = text.indices.first(where: { text[$0...].starts(with: Self.idMarker) }) { end = place }
        name = String(decoding: text[..<end].drop(while: \.isSpace), as: UTF8.self)
        while name.last == " " { name.removeLast() }
        return !name.isEmpty && !name.contains { "[]{}\"".contains($0) }
    }
}

extension ToolCall {
    /// Makes JSON of plain values. Of a parameter that comes twice, the last value counts.
    init(_ function: FunctionScanner, _ tools: ToolDescriptions) {
        var keys: [String] = []
        var values: [String: String] = [:]
        for (key, value) in function.parameters {
            if values.updateValue(value, forKey: key) == nil { keys.append(key) }
        }
        let fields = keys.map { key in
            let value = tools.json(of: values[key] ?? "", tool: function.name, parameter: key)
            return "\(ToolDescriptions.quoted(key)): \(value)"
        }
        self.init(name: function.name, arguments: "{\(fields.joined(separator: ", "))}")
    }
}
