/// Follows one stop string through a stream.
struct StopAutomaton: Sendable {
    let text: String
    /// How many symbols of the stop string the stream ends with.
    private(set) var matched = 0
    private let symbols: [StopSymbol]
    /// For every prefix, the length of its longest proper suffix that is a prefix too.
    private let borders: [Int]

    /// - Parameters:
    ///   - text: what the stop string is called.
    ///   - symbols: what it is in a stream; not empty.
    init(_ text: String, symbols: [StopSymbol]) {
        self.text = text
        self.symbols = symbols
        borders = Self.borders(symbols)
    }

    /// A stop string of text alone, which must not be empty.
    init(_ text: String) {
        self.init(text, symbols: text.utf8.map(StopSymbol.byte))
    }

    /// Takes the stream's next symbol; true when it completes the stop string.
    mutating func advance(_ symbol: StopSymbol) -> Bool {
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
