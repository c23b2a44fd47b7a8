/// Rows of text in aligned columns.
struct TextTable {
    private var rows: [[String]]
    /// Columns aligned to the right, such as numbers.
    private let rightAligned: Set<Int>

    init(header: [String] = [], rightAligned: Set<Int> = []) {
        rows = header.isEmpty ? [] : [header]
        self.rightAligned = rightAligned
    }

    mutating func append(_ row: [String]) {
        rows.append(row)
    }

    /// The table, one row per line.
    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return rightAligned.contains(column) ? padding + cell : cell + padding
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        .joined()
    }
}
