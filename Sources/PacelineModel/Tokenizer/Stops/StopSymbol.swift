import PacelineSpeculation

/// One element of a stream of generated tokens, as the search for stop strings sees it.
enum StopSymbol: Sendable, Equatable {
    /// A byte of text.
    case byte(UInt8)
    /// A special token, which adds no text.
    case special(Token)

    var isText: Bool {
        if case .byte = self { true } else { false }
    }
}

extension Tokenizer {
    /// A stop string as symbols, with every special token's name replaced by that token.
    func stopSymbols(_ stop: String) -> [StopSymbol] {
        let bytes = Array(stop.utf8)
        return bytes.withUnsafeBytes { bytes in
            var symbols: [StopSymbol] = []
            var start = 0
            while let match = silent.firstMatch(in: bytes, from: start, allowsControl: { _ in true }) {
                symbols += bytes[start..<match.range.lowerBound].map(StopSymbol.byte)
                symbols.append(.special(match.token))
                start = match.range.upperBound
            }
            return symbols + bytes[start...].map(StopSymbol.byte)
        }
    }
}
