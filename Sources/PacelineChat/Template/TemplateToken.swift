/// A piece of a template.
enum TemplateToken: Equatable {
    /// Text between tags, as it will be printed.
    case text(String)
    case statementBegin, statementEnd
    case printBegin, printEnd
    case name(String)
    case string(String)
    case int(Int)
    case float(Double)
    /// An operator or a bracket.
    case symbol(String)
    case end

    var description: String {
        switch self {
        case .text: "text"
        case .statementBegin: "'{%'"
        case .statementEnd: "the end of the statement"
        case .printBegin: "'{{'"
        case .printEnd: "the end of the expression"
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .int, .float: "a number"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end of the template"
        }
    }
}

/// Python's idea of white space, which `strip`, `split` and Jinja's whitespace control use.
package func isPythonSpace(_ value: UInt32) -> Bool {
    switch value {
    case 0x09...0x0d, 0x1c...0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
    default: false
    }
}
