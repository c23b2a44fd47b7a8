/// The seed in a request: in JSON a whole number from -2^63 to 2^64 - 1.
///
/// -1 requests a random seed, as in llama.cpp and vLLM. Every other number stands for its 64 bits, so negative numbers
/// are seeds too.
package struct RequestedSeed: Sendable, Hashable {
    /// nil for a random seed.
    package var bits: UInt64?

    package init(_ bits: UInt64) {
        self.bits = bits
    }
}

extension RequestedSeed: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: UInt64) {
        self.init(value)
    }
}

extension RequestedSeed: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            bits = number == -1 ? nil : UInt64(bitPattern: number)
        } else if let number = try? container.decode(UInt64.self) {
            bits = number
        } else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "must be a whole number from \(Int64.min) to \(UInt64.max); -1 draws one"
                )
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let bits { try container.encode(bits) } else { try container.encode(-1) }
    }
}
