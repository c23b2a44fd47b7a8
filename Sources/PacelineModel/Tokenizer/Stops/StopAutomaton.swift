/// Follows one stop string through a stream.
struct StopAutomaton: Sendable {
    let text: String
    /// How many symbols of the stop string the stream ends with.
    private(set) var matched = 0
    private let symbols: [StopSymbol]
    /// Whether it is text alone. What special tokens stand between its letters then does not matter, since a reader of
    /// the text does not see them.
    private let isText: Bool
    /// For every prefix, the length of its longest proper suffix that is a prefix too.
    private let borders: [Int]
    /// For every number of symbols, how many bytes of text the first so many are.
    private let textLengths: [Int]

    /// - Parameters:
    ///   - text: what the stop string is called.
    ///   - symbols: what it is in a stream; not empty.
    init(_ text: String, symbols: [StopSymbol]) {
        self.text = text
        self.symbols = symbols
        isText = symbols.allSatisfy(\.isText)
        textLengths = symbols.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1.isText ? 1 : 0)) }
        borders = Self.borders(symbols)
    }

    /// A stop string of text alone, which must not be empty.
    init(_ text: String) {
        self.init(text, symbols: text.utf8.map(StopSymbol.byte))
    }

    /// How many bytes of the text seen last are what matched.
    var matchedBytes: Int { textLengths[matched] }

    /// Takes the stream's next symbol; true when it completes the stop string.
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
