/// Typed access to metadata. Errors name the key, the expected kind and the kind that was found.
///
/// The `…IfPresent` forms return nil for a missing key and still throw for a value of another kind.
extension GGUFFile {
    package func string(_ key: String) throws(GGUFError) -> String {
        try require(stringIfPresent(key), key, "a string")
    }

    package func stringIfPresent(_ key: String) throws(GGUFError) -> String? {
        guard let value = metadata[key] else { return nil }
        guard case .string(let string) = value else { throw wrongKind(key, "a string", value) }
        return string
    }

    package func int(_ key: String) throws(GGUFError) -> Int {
        try require(intIfPresent(key), key, "an integer")
    }

    package func intIfPresent(_ key: String) throws(GGUFError) -> Int? {
        guard let value = metadata[key] else { return nil }
        switch value {
        case .signed(let number): return Int(number)
        case .unsigned(let number):
            guard let integer = Int(exactly: number) else {
                throw error(.outOfRange(key: key, value: "\(number)", expected: "a number below 2^63"))
            }
            return integer
        default: throw wrongKind(key, "an integer", value)
        }
    }

    package func float(_ key: String) throws(GGUFError) -> Float {
        try require(floatIfPresent(key), key, "a float")
    }

    package func floatIfPresent(_ key: String) throws(GGUFError) -> Float? {
        guard let value = metadata[key] else { return nil }
        guard case .float(let number) = value else { throw wrongKind(key, "a float", value) }
        return Float(number)
    }

    /// An integer, a float or a truth value (0 or 1).
    package func numberIfPresent(_ key: String) throws(GGUFError) -> Double? {
        guard let value = metadata[key] else { return nil }
        switch value {
        case .signed(let number): return Double(number)
        case .unsigned(let number): return Double(number)
        case .float(let number): return number
        case .bool(let flag): return flag ? 1 : 0
        case .string, .array: throw wrongKind(key, "a number", value)
        }
    }

    package func boolIfPresent(_ key: String) throws(GGUFError) -> Bool? {
        guard let value = metadata[key] else { return nil }
        guard case .bool(let flag) = value else { throw wrongKind(key, "a bool", value) }
        return flag
    }

    /// An array of strings, which stays in the file.
    package func stringArray(_ key: String) throws(GGUFError) -> GGUFArray {
        guard let value = metadata[key] else { throw error(.missingKey(key, expected: "an array of strings")) }
        guard case .array(let array) = value, array.elementKind == .string else {
            throw wrongKind(key, "an array of strings", value)
        }
        return array
    }

    /// An array of floats, which stays in the file.
    package func floatArray(_ key: String) throws(GGUFError) -> GGUFArray {
        guard let value = metadata[key] else { throw error(.missingKey(key, expected: "an array of floats")) }
        guard case .array(let array) = value, [.float32, .float64].contains(array.elementKind) else {
            throw wrongKind(key, "an array of floats", value)
        }
        return array
    }

    package func integerArrayIfPresent(_ key: String) throws(GGUFError) -> [Int]? {
        guard let value = metadata[key] else { return nil }
        guard case .array(let array) = value, let integers = array.integers else {
            throw wrongKind(key, "an array of integers", value)
        }
        return integers
    }

    private func require<T>(_ value: T?, _ key: String, _ expected: String) throws(GGUFError) -> T {
        guard let value else { throw error(.missingKey(key, expected: expected)) }
        return value
    }

    private func wrongKind(_ key: String, _ expected: String, _ value: GGUFValue) -> GGUFError {
        error(.wrongKind(key: key, expected: expected, found: value.kindDescription))
    }
}
