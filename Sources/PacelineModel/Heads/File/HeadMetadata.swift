/// Typed access to a head's metadata, with the limits that the rest relies on.
struct HeadMetadata {
    let file: GGUFFile
    /// The file's architecture, the prefix of all keys.
    let prefix: String

    func count(_ key: String, _ range: ClosedRange<Int>) throws(HeadFileError.Reason) -> Int {
        let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
        let value = try value(key, expected)
        let number: Int? =
            switch value {
            case .unsigned(let number): Int(exactly: number)
            case .signed(let number): Int(exactly: number)
            default: nil
            }
        guard let number, range.contains(number) else { throw wrong(key, value, expected) }
        return number
    }

    /// A finite number above 0.
    func positive(_ key: String) throws(HeadFileError.Reason) -> Double {
        let expected = "a finite number above 0"
        let value = try value(key, expected)
        guard case .float(let number) = value, number.isFinite, number > 0 else { throw wrong(key, value, expected) }
        return number
    }

    func flag(_ key: String) throws(HeadFileError.Reason) -> Bool {
        let value = try value(key, "a bool")
        guard case .bool(let flag) = value else { throw wrong(key, value, "a bool") }
        return flag
    }

    func text(_ key: String) throws(HeadFileError.Reason) -> String {
        let value = try value(key, "a string")
        guard case .string(let text) = value else { throw wrong(key, value, "a string") }
        return text
    }

    func counts(_ key: String, _ size: ClosedRange<Int>) throws(HeadFileError.Reason) -> [Int] {
        let expected = "an array of \(size.lowerBound) to \(size.upperBound) integers"
        let value = try value(key, expected)
        guard case .array(let array) = value, size.contains(array.count), let numbers = array.integers else {
            throw wrong(key, value, expected)
        }
        return numbers
    }

    func wrong(_ key: String, found: String, _ expected: String) -> HeadFileError.Reason {
        .wrongValue(key: "\(prefix).\(key)", found: found, expected: expected)
    }

    private func value(_ key: String, _ expected: String) throws(HeadFileError.Reason) -> GGUFValue {
        guard let value = file.metadata["\(prefix).\(key)"] else {
            throw .missingKey("\(prefix).\(key)", expected: expected)
        }
        return value
    }

    private func wrong(_ key: String, _ value: GGUFValue, _ expected: String) -> HeadFileError.Reason {
        let found =
            switch value {
            case .unsigned(let number): "\(number)"
            case .signed(let number): "\(number)"
            case .float(let number): "\(number)"
            case .array(let array): "\(value.kindDescription) with \(array.count) elements"
            case .bool, .string: value.kindDescription
            }
        return wrong(key, found: found, expected)
    }
}
