/// Follows one stop string through a stream.
struct StopAutomaton: Sendable {
    let text: String
    /// The number of symbols of the stop string that the stream ends with.
    private(set) var matched = 0
    private let symbols: [StopSymbol]
    /// Whether all symbols are text. Special tokens between them are then ignored, because a reader of the text does
    /// not see them.
    private let isText: Bool
    /// For each prefix, the length of its longest proper suffix that is also a prefix.
    private let borders: [Int]
    /// For each n, the number of text bytes in the first n symbols.
    private let textLengths: [Int]

    /// - Parameters:
    ///   - text: the stop string as the request states it.
    ///   - symbols: the stop string as a stream contains it; not empty.
    init(_ text: String, symbols: [StopSymbol]) {
        self.text = text
        self.symbols = symbols
        isText = symbols.allSatisfy(\.isText)
        textLengths = symbols.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1.isText ? 1 : 0)) }
        borders = Self.borders(symbols)
    }

    /// Follows a stop string of text alone, which must not be empty.
    init(_ text: String) {
        self.init(text, symbols: text.utf8.map(StopSymbol.byte))
    }

    /// The number of text bytes in the current match.
    var matchedBytes: Int { textLengths[matched] }

    /// Takes the next symbol of the stream. Returns true if it completes the stop string.
    mutating func advance(_ symbol: StopSymbol) -> Bool {
        guard symbol.isText || !isText else { return false }
        if matched == symbols.count { matched = borders[matched - 1] }
        while matched > 0, symbols[matched] != symbol { matched = borders[matched - 1] }
        if symbols[matched] == symbol { matched += 1 }
        return matched == symbols.count
    }

    private static func borders(_ symbols: [StopSymbol]) -> [Int] {
        var borders = [Int](repeating: 0, count: symbols.count)
        var length = 0
        for index in symbols.indices.dropFirst() {
            while length > 0, symbols[index] != symbols[length] { length = borders[length - 1] }
            if symbols[index] == symbols[length] { length += 1 }
            borders[index] = length
        }
        return borders
    }
}
