/// One metadata value of a GGUF file. Integers and floats are widened without loss.
package enum GGUFValue: Sendable {
    case unsigned(UInt64)
    case signed(Int64)
    case float(Double)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)

    /// The value types of the GGUF specification; raw values are their numbers in the file.
    package enum Kind: UInt32, Sendable {
        case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

        /// The size of a value in bytes; nil for strings and arrays.
        var byteWidth: Int? {
            switch self {
            case .uint8, .int8, .bool: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            case .string, .array: nil
            }
        }
    }

    /// The kind of value, worded for error messages.
    package var kindDescription: String {
        switch self {
        case .unsigned, .signed: "an integer"
        case .float: "a float"
        case .bool: "a bool"
        case .string: "a string"
        case .array(let array): "an array of \(array.elementKind)"
        }
    }
}
