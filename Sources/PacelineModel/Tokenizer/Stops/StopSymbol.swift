import PacelineSpeculation

/// What a stream of generated tokens brings, one at a time, to those who look for stop strings.
enum StopSymbol: Sendable, Equatable {
    /// A byte of text.
    case byte(UInt8)
    /// A special token, which stands for no text.
    case special(Token)

    var isText: Bool {
        if case .byte = self { true } else { false }
    }
}

extension Tokenizer {
    /// A stop string as a stream brings it when every name of a special token in it is that token.
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
