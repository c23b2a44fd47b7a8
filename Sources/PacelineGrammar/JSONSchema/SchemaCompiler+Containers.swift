import PacelineChat

extension SchemaCompiler {
    // MARK: Arrays

    mutating func array(_ facts: SchemaFacts) throws(GrammarError) -> Term {
        let shape = try ArrayShape(facts)
        let least = facts.itemCounts.minimum
        let most = facts.itemCounts.maximum
        if let most, most < least { return .nothing }
        if let unique = shape.unique, most ?? .max > 1 {
            throw unique.error("uniqueItems is supported with maxItems of at most 1 only; leave it out")
        }
        let count = min(shape.first.count, Int(most ?? .max))
        // Items behind the listed ones.
        var tail = Term.end
        if Int(least) > count || (shape.rest != nil && (most.map { Int($0) > count } ?? true)) {
            let item = try term(of: shape.rest ?? [])
            let more = builder.terms.sequence([builder.terms.literal(",".utf8), json.gap, item])
            let room = most.map { $0 - Int32(count) }
            if count > 0 {
                tail = builder.terms.repetition(more, max(0, least - Int32(count)), room)
            } else {
                let others = builder.terms.repetition(more, max(0, least - 1), room.map { $0 - 1 })
                tail = builder.terms.sequence(item, others)
            }
            if tail == .nothing, least <= count { tail = .end }
        } else if count == 0 {
            tail = .nothing
        }
        for place in (0..<count).reversed() {
            let item = try term(of: shape.first[place])
            let comma = place == 0 ? Term.end : builder.terms.sequence(builder.terms.literal(",".utf8), json.gap)
            let taken = builder.terms.sequence([comma, item, tail])
            tail = place > 0 && place >= Int(least) ? builder.terms.choice([.end, taken]) : taken
        }
        return brackets("[", tail, "]", allowsNone: least == 0)
    }

    /// - Parameter items: what stands between the brackets if there is anything.
    private mutating func brackets(_ open: String, _ items: Term, _ close: String, allowsNone: Bool) -> Term {
        let some = builder.terms.sequence([json.gap, items, json.gap])
        let content = allowsNone ? builder.terms.choice([.end, some]) : some
        return builder.terms.sequence([builder.terms.literal(open.utf8), content, builder.terms.literal(close.utf8)])
    }

    // MARK: Objects

    mutating func object(_ facts: SchemaFacts) throws(GrammarError) -> Term {
        var shape = try ObjectShape(facts)
        for name in facts.required where !shape.properties.contains(where: { $0.name == name }) {
            guard let others = shape.others(than: name) else { return .nothing }
            shape.properties.append((name, others))
        }
        try shape.checkNames(self)
        let others = try additional(shape, facts)
        let optional = shape.properties.filter { !facts.required.contains($0.name) }.count
        guard optional <= 400 else {
            throw GrammarError(facts.parts[0].path, "it has \(optional) optional properties; 400 are supported")
        }
        let comma = builder.terms.sequence(builder.terms.literal(",".utf8), json.gap)
        // What may follow the last of the properties so far, and what may come first.
        var rest = builder.terms.repetition(builder.terms.sequence(comma, others.member), 0, others.room)
        let moreOthers = builder.terms.repetition(
            builder.terms.sequence(comma, others.member),
            0,
            others.room.map { max(0, $0 - 1) }
        )
        var first = others.room == 0 ? Term.nothing : builder.terms.sequence(others.member, moreOthers)
        var allowsNone = true
        for (name, schemas) in shape.properties.reversed() {
            let member = try member(builder.terms.literal(Self.key(name).utf8), term(of: schemas))
            let isRequired = facts.required.contains(name)
            let here = builder.terms.sequence(member, rest)
            first = isRequired ? here : builder.terms.choice([here, first])
            let follow = builder.terms.sequence(comma, here)
            rest = isRequired ? follow : builder.terms.choice([follow, rest])
            if isRequired { allowsNone = false }
            try builder.check(facts.parts[0].path)
        }
        return brackets("{", first, "}", allowsNone: allowsNone)
    }

    static func key(_ name: String) -> String {
        TemplateValue.text(ChatText(name)).json ?? "\"\""
    }

    private mutating func member(_ key: Term, _ value: Term) -> Term {
        builder.terms.sequence([key, builder.terms.literal(":".utf8), json.colonGap, value])
    }

    /// The members that are not listed, and how many there may be; nil for any number.
    private mutating func additional(
        _ shape: ObjectShape,
        _ facts: SchemaFacts
    ) throws(GrammarError) -> (member: Term, room: Int32?) {
        let counts = facts.propertyCounts
        let listed = shape.properties.count
        if Int(counts.minimum) > facts.required.count {
            throw GrammarError(
                facts.parts[0].path,
                "minProperties above the number of required properties is not supported; require them by name"
            )
        }
        var room: Int32?
        if let most = counts.maximum {
            guard Int(most) >= facts.required.count else { return (.nothing, 0) }
            guard Int(most) >= listed else {
                let reason = "maxProperties below the number of properties is not supported; leave it out"
                throw GrammarError(facts.parts[0].path, reason)
            }
            room = most - Int32(listed)
        }
        guard shape.isOpen, let schemas = shape.others(than: nil) else { return (.nothing, 0) }
        let value = try term(of: schemas)
        return (member(try otherKey(shape), value), room)
    }

    /// Any key but those of the properties.
    private mutating func otherKey(_ shape: ObjectShape) throws(GrammarError) -> Term {
        if shape.names.isEmpty, shape.keyPatterns.isEmpty, shape.keyLengths.isAll { return json.string }
        var expressions: [(tree: RegexTree, path: String)] = []
        for pattern in shape.keyPatterns { expressions.append((try Self.searched(pattern), pattern.path)) }
        let any = RegexTree.repetition(.character(.all), minimum: 0, maximum: nil)
        var keys = try all(of: expressions.isEmpty ? [(any, shape.path)] : expressions, shape.keyLengths)
        if !shape.names.isEmpty {
            var terms = TermTable()
            let listed = terms.anyOf(shape.names.map { Array(Self.key($0).utf8.dropFirst().dropLast()) })
            guard let names = try automaton(terms, listed, shape.path),
                let rest = keys.subtracting(names, limit: limits.automatonStates)
            else { throw tooComplex(shape.path) }
            keys = rest
        }
        let quote = builder.terms.literal("\"".utf8)
        return builder.terms.sequence([quote, builder.machine(keys), quote])
    }
}

/// What schemas that hold together say of an array's items.
struct ArrayShape {
    /// The schemas of the first items.
    private(set) var first: [[SchemaPart]] = []
    /// Those of the others; nil if there should be none, though some may be allowed.
    private(set) var rest: [SchemaPart]? = []
    private(set) var unique: SchemaPart?

    init(_ facts: SchemaFacts) throws(GrammarError) {
        var heads: [[SchemaPart]] = []
        var tails: [SchemaPart?] = []
        for part in facts.parts {
            if let keyword = part.keyword("uniqueItems"), try keyword.bool() { unique = keyword }
            // Before draft 2020-12, `items` was what `prefixItems` is, and `additionalItems` what `items` is.
            let isOld = part.keyword("items")?.items != nil
            let head = part.keyword(isOld ? "items" : "prefixItems")
            heads.append(try head.map { head throws(GrammarError) in try head.list() } ?? [])
            tails.append(part.keyword(isOld ? "additionalItems" : "items"))
        }
        let count = heads.map(\.count).max() ?? 0
        for place in 0..<count {
            first.append(
                zip(heads, tails).compactMap { head, tail in place < head.count ? head[place] : tail }
            )
        }
        let known = tails.compactMap(\.self)
        rest = known.isEmpty && count > 0 ? nil : known
        if known.contains(where: { $0.value == .bool(false) }) { rest = facts.itemCounts.minimum > count ? known : nil }
    }
}

/// What schemas that hold together say of an object's properties.
struct ObjectShape {
    var properties: [(name: String, schemas: [SchemaPart])] = []
    /// For each schema: the names that it lists, and what it says of the others.
    private var scopes: [(names: Set<String>, others: SchemaPart?)] = []
    private(set) var isOpen = false
    private(set) var keyPatterns: [SchemaPart] = []
    private(set) var keyLengths = SchemaFacts.CountRange()
    /// Listed names that must not be there.
    private var forbidden: [String] = []
    let path: String

    init(_ facts: SchemaFacts) throws(GrammarError) {
        path = facts.parts.first?.path ?? "$"
        var names: [String] = []
        var listed: [[String: SchemaPart]] = []
        for part in facts.parts {
            let members = try part.keyword("properties")?.members() ?? []
            listed.append(Dictionary(members.map { ($0.name, $0.schema) }) { _, last in last })
            scopes.append((Set(members.map(\.name)), part.keyword("additionalProperties")))
            for (name, _) in members where !names.contains(name) { names.append(name) }
            if let keys = part.keyword("propertyNames") { try takeNames(keys) }
        }
        // An empty list is a list: tools without arguments have one.
        let isListed = facts.parts.contains { $0.keyword("properties") != nil }
        isOpen = !isListed || scopes.contains { $0.others != nil }
        for name in names {
            let schemas = zip(listed, scopes).compactMap { members, scope in members[name] ?? scope.others }
            // A property that nothing satisfies is one that must not be there.
            if !schemas.contains(where: { $0.value == .bool(false) }) || facts.required.contains(name) {
                properties.append((name, schemas))
            }
        }
        forbidden = names.filter { name in !properties.contains { $0.name == name } }
    }

    /// Names that no other property may have.
    var names: [String] { properties.map(\.name) + forbidden }

    private mutating func takeNames(_ keys: SchemaPart) throws(GrammarError) {
        if case .bool(true) = keys.value { return }
        try SchemaKeywords.check(keys)
        for (name, keyword) in try keys.members() where !SchemaKeywords.annotations.contains(name) {
            switch name {
            case "type": guard try keyword.string() == "string" else { throw keyword.error("names are strings") }
            case "pattern": keyPatterns.append(keyword)
            case "minLength": keyLengths.minimum = max(keyLengths.minimum, try keyword.count())
            case "maxLength": keyLengths.maximum = min(keyLengths.maximum ?? .max, try keyword.count())
            default: throw keyword.error("propertyNames may have pattern, minLength and maxLength only")
            }
        }
    }

    /// What must hold for a property that is not listed; nil if there is none.
    func others(than name: String?) -> [SchemaPart]? {
        var schemas: [SchemaPart] = []
        for scope in scopes {
            guard let others = scope.others else { continue }
            guard others.value != .bool(false) else { return nil }
            schemas.append(others)
        }
        return schemas
    }

    /// - Throws: ``GrammarError`` if `propertyNames` forbids a property that is listed.
    func checkNames(_ compiler: SchemaCompiler) throws(GrammarError) {
        guard !keyPatterns.isEmpty || !keyLengths.isAll else { return }
        for (name, schemas) in properties {
            var isAllowed = keyLengths.contains(name.unicodeScalars.count)
            for pattern in keyPatterns where isAllowed {
                let tree = try SchemaCompiler.searched(pattern)
                let names = try compiler.all(of: [(tree, pattern.path)], SchemaFacts.CountRange())
                isAllowed = names.accepts(SchemaCompiler.key(name).utf8.dropFirst().dropLast())
            }
            guard isAllowed else {
                throw GrammarError(schemas.first?.path ?? path, "propertyNames forbids the name of this property")
            }
        }
    }
}
