/// Why a chat template cannot be parsed or rendered.
package enum TemplateError: Error, Equatable {
    /// The template is not valid, or uses a statement that is not supported.
    case syntax(String, line: Int)
    /// The template refuses the conversation: the text it gave to `raise_exception`.
    case refused(String)
    /// An operation failed, as it would in Python.
    case failed(String, line: Int)
    /// The template does more than a template may.
    case limit(String)
}

extension TemplateError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let reason, let line): "the chat template is not valid: line \(line): \(reason)"
        case .refused(let text): "the model's chat template refuses this conversation: \(text)"
        case .failed(let reason, let line): "the chat template failed: line \(line): \(reason)"
        case .limit(let limit): "the chat template was stopped: \(limit)"
        }
    }
}

/// How much work, output and nesting a template may take. Templates come with model files of strangers.
package struct TemplateLimits: Sendable {
    /// Scalars and items of all values made on the way, and ten for each node that is evaluated.
    package var work = 50_000_000
    /// Scalars of the rendered prompt.
    package var output = 4 << 20
    /// Statements, expressions and macro calls inside each other while parsing and rendering.
    package var depth = 200
    /// Containers inside each other.
    package var valueDepth = 200

    package init() {}
}
