import PacelineChat

/// Turns a JSON schema (draft 2020-12) into a grammar of the texts that satisfy it.
///
/// The grammar may have fewer texts than the schema, never more: objects have their properties in the order of the
/// schema, and an object with `properties` has others only where `additionalProperties` allows them explicitly.
struct SchemaCompiler {
    var builder: GrammarBuilder
    let limits: GrammarLimits
    let json: JSONTerms
    private let root: SchemaPart
    /// The rules of schemas, by what they are made of.
    private var rules: [String: Term] = [:]
    private var depth = 0
    /// Branches that were combined with other schemas.
    private var combinations = 0

    /// How deeply schemas may be nested in each other, and how many may have to hold together.
    private static let depthLimit = 150
    private static let partLimit = 200
    private static let combinationLimit = 512

    /// - Throws: ``GrammarError`` with the JSON path of what is not supported or cannot be satisfied.
    static func compile(
        _ schema: TemplateValue,
        into builder: inout GrammarBuilder,
        limits: GrammarLimits
    ) throws(GrammarError) -> Term {
        var compiler = SchemaCompiler(schema, builder, limits: limits)
        let term = try compiler.term(of: [compiler.root])
        builder = compiler.builder
        return term
    }

    private init(_ schema: TemplateValue, _ builder: GrammarBuilder, limits: GrammarLimits) {
        self.limits = limits
        self.builder = builder
        json = JSONTerms(&self.builder)
        root = SchemaPart(value: schema, path: "$")
    }

    /// The term of the values that satisfy all of some schemas.
    mutating func term(of parts: [SchemaPart]) throws(GrammarError) -> Term {
        guard let flat = try flatten(parts) else { return .nothing }
        guard let first = flat.first else { return json.value }
        let key = flat.map(\.key).joined(separator: "\n")
        if let known = rules[key] { return known }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw first.error("schemas are nested too deeply here; make it flatter") }
        let (rule, term) = builder.newRule(first.path)
        rules[key] = term
        builder.define(rule, as: try body(of: flat))
        try builder.check(first.path)
        return term
    }

    private mutating func body(of parts: [SchemaPart]) throws(GrammarError) -> Term {
        for (place, part) in parts.enumerated() {
            for name in ["anyOf", "oneOf"] {
                guard let keyword = part.keyword(name) else { continue }
                let branches = try keyword.list()
                guard branches.count <= limits.alternatives else {
                    throw keyword.error("it has \(branches.count) branches; \(limits.alternatives) are supported")
                }
                if parts.count > 1 { combinations += branches.count }
                guard combinations <= Self.combinationLimit else {
                    throw keyword.error("too many branches have to be combined; say it with fewer anyOf and oneOf")
                }
                var rest = parts
                rest[place] = part.without(name)
                var terms: [Term] = []
                for branch in branches { terms.append(try self.term(of: rest + [branch])) }
                if name == "oneOf" { try requireDisjoint(branches, keyword) }
                return builder.terms.choice(terms)
            }
        }
        return try term(of: SchemaFacts(parts))
    }

    private mutating func term(of facts: SchemaFacts) throws(GrammarError) -> Term {
        if let values = facts.values { return try term(of: values, facts) }
        var terms: [Term] = []
        if facts.allows(.null) { terms.append(builder.terms.literal("null".utf8)) }
        if facts.allows(.boolean) { terms.append(builder.terms.anyOf([Array("true".utf8), Array("false".utf8)])) }
        if facts.allows(.integer) || facts.allows(.number) { terms.append(try number(facts)) }
        if facts.allows(.string) { terms.append(try string(facts)) }
        if facts.allows(.array) { terms.append(try array(facts)) }
        if facts.allows(.object) { terms.append(try object(facts)) }
        return builder.terms.choice(terms)
    }

    // MARK: Composition

    /// Resolves references and `allOf`, and drops what says nothing.
    ///
    /// - Returns: nil if one of the schemas is `false`.
    private func flatten(_ parts: [SchemaPart]) throws(GrammarError) -> [SchemaPart]? {
        var flat: [SchemaPart] = []
        var pending = parts.reversed().map { (part: $0, trail: [String]()) }
        var seen: Set<String> = []
        while let (part, trail) = pending.popLast() {
            guard !trail.contains(part.path) else { throw part.error("it refers to itself before it takes any text") }
            guard seen.insert(part.key).inserted else { continue }
            guard seen.count <= Self.partLimit else { throw part.error("too many schemas have to hold together here") }
            if case .bool(let isAny) = part.value {
                guard isAny else { return nil }
                continue
            }
            guard part.mapping != nil else { throw part.error("a schema must be an object, true or false") }
            try SchemaKeywords.check(part)
            var own = part
            if let reference = part.keyword("$ref") {
                own = own.without("$ref")
                pending.append((try resolve(reference), trail + [part.path]))
            }
            if let all = part.keyword("allOf") {
                own = own.without("allOf")
                pending += try all.list().reversed().map { ($0, trail + [part.path]) }
            }
            if try own.members().contains(where: { !own.done.contains($0.name) && Self.constrains($0.name) }) {
                flat.append(own)
            }
        }
        return flat
    }

    private static func constrains(_ keyword: String) -> Bool {
        SchemaKeywords.supported.contains(keyword) && !SchemaKeywords.annotations.contains(keyword)
    }

    /// The schema that a reference into the same document names.
    private func resolve(_ reference: SchemaPart) throws(GrammarError) -> SchemaPart {
        let pointer = try reference.string()
        guard pointer == "#" || pointer.hasPrefix("#/") else {
            throw reference.error("only references into this schema are supported, such as #/$defs/name")
        }
        var part = root
        for step in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = Self.unescaped(step)
            if let member = part.mapping?[name] {
                part = SchemaPart(value: member, path: SchemaPart.path(part.path, name))
            } else if let items = part.items, let place = Int(name), items.indices.contains(place) {
                part = items[place]
            } else {
                throw reference.error("it refers to \(pointer.prefix(80)), which is not in the schema")
            }
        }
        return part
    }

    private static func unescaped(_ step: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(step.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else if byte == UInt8(ascii: "~"), let next = rest.first, next == 0x30 || next == 0x31 {
                bytes.append(UInt8(ascii: next == 0x30 ? "~" : "/"))
                rest = rest.dropFirst()
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `oneOf` allows values of exactly one branch, so branches must have no value in common.
    private func requireDisjoint(_ branches: [SchemaPart], _ keyword: SchemaPart) throws(GrammarError) {
        var shapes: [SchemaShape] = []
        for branch in branches {
            var shape = SchemaShape()
            for part in try flatten([branch]) ?? [] {
                try shape.narrow(part) { part throws(GrammarError) in try flatten([part]) ?? [] }
            }
            shapes.append(shape)
        }
        for (place, shape) in shapes.enumerated() {
            for other in shapes[..<place].indices where !shape.isDisjoint(from: shapes[other]) {
                throw keyword.error(
                    "branches \(other) and \(place) may share values, which oneOf forbids; use anyOf, or give them "
                        + "different types or a required property with different constants"
                )
            }
        }
    }
}

/// As much of a schema as tells it from others.
struct SchemaShape {
    private var types: Set<JSONType>?
    private var values: Set<String>?
    /// The values that required properties may have.
    private var tags: [String: Set<String>] = [:]

    /// - Parameter flatten: resolves references.
    mutating func narrow(
        _ part: SchemaPart,
        flatten: (SchemaPart) throws(GrammarError) -> [SchemaPart]
    ) throws(GrammarError) {
        let facts = try SchemaFacts([part])
        types = types.map { $0.intersection(facts.types) } ?? facts.types
        if let allowed = facts.values { values = Set(allowed.compactMap(\.json)) }
        guard let properties = part.keyword("properties") else { return }
        for (name, schema) in try properties.members() where facts.required.contains(name) {
            for part in try flatten(schema) where part.keyword("const") != nil || part.keyword("enum") != nil {
                tags[name] = Set(try SchemaFacts([part]).values?.compactMap(\.json) ?? [])
            }
        }
    }

    func isDisjoint(from other: SchemaShape) -> Bool {
        if let types, let others = other.types, types.isDisjoint(with: others) { return true }
        // Numbers have several spellings, so only strings are compared.
        func areStrings(_ values: Set<String>) -> Bool { values.allSatisfy { $0.hasPrefix("\"") } }
        if let values, let others = other.values, areStrings(values), areStrings(others) {
            return values.isDisjoint(with: others)
        }
        guard types == [.object], other.types == [.object] else { return false }
        return tags.contains { name, values in
            guard let others = other.tags[name], areStrings(values), areStrings(others) else { return false }
            return values.isDisjoint(with: others)
        }
    }
}
