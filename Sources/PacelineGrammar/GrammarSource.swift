import PacelineChat

/// What a text may be, as clients write it: small, and enough to compile the same ``Grammar`` everywhere.
package indirect enum GrammarSource: Sendable, Hashable {
    /// Any JSON object.
    case jsonObject
    /// A value that satisfies the JSON schema with this text.
    case jsonSchema(String)
    /// A text that matches as a whole.
    case regex(String)
    /// A text of a grammar in llama.cpp's notation.
    case gbnf(String)
    /// One of these texts.
    case choice([String])
    /// This text.
    case text(String)
    /// One behind the other.
    case sequence([GrammarSource])
    case alternatives([GrammarSource])
    /// `maximum` is nil for no limit.
    case repetition(GrammarSource, minimum: Int, maximum: Int?)

    /// How deeply sources may be nested in each other.
    package static let depthLimit = 16

    /// Bytes of all texts.
    var byteCount: Int {
        switch self {
        case .jsonObject: 0
        case .jsonSchema(let text), .regex(let text), .gbnf(let text), .text(let text): text.utf8.count
        case .choice(let texts): texts.reduce(0) { $0 + $1.utf8.count }
        case .sequence(let parts), .alternatives(let parts): parts.reduce(0) { $0 + $1.byteCount }
        case .repetition(let part, _, _): part.byteCount
        }
    }
}

extension Grammar {
    /// Compiles what a client has written. Takes bounded time and memory, whatever it is.
    ///
    /// - Throws: ``GrammarError`` that names the place of what is not supported or cannot be satisfied.
    package init(_ source: GrammarSource, limits: GrammarLimits = GrammarLimits()) throws(GrammarError) {
        let size = source.byteCount
        guard size <= limits.sourceBytes else {
            throw GrammarError("", "it has \(size) bytes, but at most \(limits.sourceBytes) are supported")
        }
        var compiler = SourceCompiler(limits: limits)
        let root = try compiler.term(of: source, depth: 0)
        try self.init(compiler.builder, root: root, limits: limits)
    }
}

private struct SourceCompiler {
    var builder: GrammarBuilder
    let limits: GrammarLimits

    init(limits: GrammarLimits) {
        (builder, self.limits) = (GrammarBuilder(limits: limits), limits)
    }

    mutating func term(of source: GrammarSource, depth: Int) throws(GrammarError) -> Term {
        guard depth <= GrammarSource.depthLimit else {
            throw GrammarError("", "its parts are nested deeper than \(GrammarSource.depthLimit)")
        }
        switch source {
        case .jsonObject: return JSONTerms(&builder).object
        case .jsonSchema(let text): return try schema(text)
        case .regex(let pattern): return try regex(pattern)
        case .gbnf(let text): return try GBNFReader.compile(text, into: &builder)
        case .choice(let texts): return try choice(texts)
        case .text(let text): return builder.terms.literal(Array(text.utf8))
        case .sequence(let parts): return builder.terms.sequence(try terms(of: parts, depth: depth))
        case .alternatives(let parts): return builder.terms.choice(try terms(of: parts, depth: depth))
        case .repetition(let part, let minimum, let maximum):
            let term = try term(of: part, depth: depth + 1)
            let limit = Int(SchemaPart.countLimit)
            let most = maximum.map { Int32(min(max($0, 0), limit)) }
            return builder.terms.repetition(term, Int32(min(max(minimum, 0), limit)), most)
        }
    }

    private mutating func terms(of parts: [GrammarSource], depth: Int) throws(GrammarError) -> [Term] {
        var terms: [Term] = []
        for part in parts { terms.append(try term(of: part, depth: depth + 1)) }
        return terms
    }

    private mutating func schema(_ text: String) throws(GrammarError) -> Term {
        let schema: TemplateValue
        do throws(JSONReader.Failure) {
            schema = try JSONReader.read(text)
        } catch {
            throw GrammarError("$", "the schema is not valid JSON: \(error)")
        }
        return try SchemaCompiler.compile(schema, into: &builder, limits: limits)
    }

    private mutating func regex(_ pattern: String) throws(GrammarError) -> Term {
        guard let tree = try RegexParser.parse(pattern).whole else {
            throw GrammarError("", "^ and $ are supported at the beginning and the end of a pattern only")
        }
        return tree.term(in: &builder.terms) { $0.utf8($1) }
    }

    private mutating func choice(_ texts: [String]) throws(GrammarError) -> Term {
        guard !texts.isEmpty, texts.count <= 5000 else {
            throw GrammarError("", "it must have 1 to 5000 texts to choose from, not \(texts.count)")
        }
        return builder.terms.anyOf(texts.map { Array($0.utf8) })
    }
}
