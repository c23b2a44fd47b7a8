/// The arguments of a call, evaluated.
struct CallValues {
    /// Named arguments in the order they were given.
    struct Named {
        private(set) var entries: [(name: String, value: TemplateValue)] = []

        var names: [String] { entries.map(\.name) }

        var mapping: TemplateMapping {
            var mapping = TemplateMapping()
            for (name, value) in entries { mapping.set(name, value) }
            return mapping
        }

        subscript(name: String) -> TemplateValue? {
            entries.first { $0.name == name }?.value
        }

        mutating func set(_ name: String, _ value: TemplateValue) {
            entries.append((name, value))
        }

        mutating func remove(_ name: String) -> TemplateValue? {
            entries.firstIndex { $0.name == name }.map { entries.remove(at: $0).value }
        }
    }

    var positional: [TemplateValue] = []
    var named = Named()

    /// The arguments by the names of a function's parameters.
    ///
    /// - Throws: the reason, if there are too many, an unknown name, or two values for one.
    func bound(to parameters: String..., of function: String) throws(CallFailure) -> [String: TemplateValue] {
        guard positional.count <= parameters.count else {
            throw CallFailure("\(function) takes at most \(parameters.count) arguments (\(positional.count) given)")
        }
        var values = Dictionary(zip(parameters, positional)) { first, _ in first }
        for (name, value) in named.entries {
            guard parameters.contains(name) else {
                throw CallFailure("\(function) got an unexpected keyword argument '\(name)'")
            }
            guard values[name] == nil else { throw CallFailure("\(function) got two values for '\(name)'") }
            values[name] = value
        }
        return values
    }
}

/// Why a filter, a test, a method or a function failed; the renderer adds the line.
struct CallFailure: Error {
    var reason: String
    var error: TemplateError?

    init(_ reason: String) {
        self.reason = reason
    }
}
