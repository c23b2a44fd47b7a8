/// Suggests what a mistyped name was meant to be.
package enum NearestName {
    /// The known name that takes the fewest changes; nil if even that is far from it.
    package static func of(_ name: String, among known: some Sequence<String>) -> String? {
        let candidates = known.map { (name: $0, distance: distance(name, $0)) }
        let best = candidates.min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return best.flatMap { $0.distance <= max(2, name.count / 3) ? $0.name : nil }
    }

    /// The number of characters to insert, remove, replace or swap with their neighbour.
    package static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.prefix(100)), Array(right.prefix(100)))
        var rows = [Array(0...right.count)]
        for i in 0..<left.count {
            var row = [i + 1]
            for j in 0..<right.count {
                let replaced = rows[i][j] + (left[i] == right[j] ? 0 : 1)
                var cost = min(replaced, rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
