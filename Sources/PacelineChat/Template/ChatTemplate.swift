/// A parsed chat template, ready to render conversations.
///
/// The language is the part of Jinja that chat templates in model files use (see `Protocols/HTTP.md`), with Python's
/// spelling of values. Text that came from a message keeps its mark through every operation; see ``ChatText``.
package struct ChatTemplate: Sendable {
    private let body: TemplateBody
    private let limits: TemplateLimits

    /// Parses a template.
    ///
    /// - Throws: ``TemplateError/syntax(_:line:)``, or ``TemplateError/limit(_:)`` if it nests too deeply.
    package init(_ source: String, limits: TemplateLimits = TemplateLimits()) throws(TemplateError) {
        var parser = try TemplateParser(source, limits: limits)
        body = try parser.run()
        self.limits = limits
    }

    /// Renders the template.
    ///
    /// - Parameters:
    ///   - context: the names that the template sees, such as `messages` and `add_generation_prompt`.
    ///   - time: what `strftime_now` formats, in seconds since 1970, UTC.
    package func render(_ context: TemplateMapping, time: Int = 0) throws(TemplateError) -> ChatText {
        var renderer = TemplateRenderer(context: context, limits: limits, time: time)
        defer { renderer.release() }
        return try renderer.run(body)
    }
}
