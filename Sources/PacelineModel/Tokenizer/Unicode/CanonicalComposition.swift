/// Unicode's Normalization Form C for UTF-8: canonically equivalent texts become the same bytes.
///
/// Nearly all text is already in this form and is only scanned. Source: Unicode Standard Annex #15.
struct CanonicalComposition {
    private let table = NormalizationTable.shared
    /// The current stretch, decomposed and then composed.
    private var points: [UInt32] = []

    /// The first byte of U+0300. All characters below it are inert, have at most two bytes, and begin with a smaller
    /// byte.
    private static let firstReactiveByte: UInt8 = 0xCC

    /// `text`, which must be valid UTF-8, in this form; nil if it is in this form already.
    mutating func composed(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var output: [UInt8] = []
        var done = 0
        // The start of the last inert character. The text after it may compose with it.
        var inert = 0
        var index = 0
        while index < text.count {
            let length = inertLength(text, at: index)
            if length > 0 {
                inert = index
                index += length
                continue
            }
            let end = stretchEnd(text, from: index)
            output.append(contentsOf: text[done..<inert])
            composeStretch(UnsafeRawBufferPointer(rebasing: text[inert..<end]), into: &output)
            (done, inert, index) = (end, end, end)
        }
        guard done > 0 else { return nil }
        output.append(contentsOf: text[done...])
        return output
    }

    /// The length in bytes of the inert character at `index`; 0 if the character may change or move.
    private func inertLength(_ text: UnsafeRawBufferPointer, at index: Int) -> Int {
        let first = text[index]
        guard first >= Self.firstReactiveByte else { return first < 0x80 ? 1 : 2 }
        let (point, length) = UTF8Scanner.codePoint(text, at: index)
        return table.isInert(point) ? length : 0
    }

    /// The start of the next inert character after `start`.
    private func stretchEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var end = start
        while end < text.count, inertLength(text, at: end) == 0 {
            end += UTF8Scanner.codePoint(text, at: end).length
        }
        return end
    }

    private mutating func composeStretch(_ text: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        points.removeAll(keepingCapacity: true)
        var index = 0
        while index < text.count {
            let (point, length) = UTF8Scanner.codePoint(text, at: index)
            table.appendDecomposition(of: point, to: &points)
            index += length
        }
        orderMarks()
        compose()
        for point in points {
            if let scalar = Unicode.Scalar(point) { output.append(contentsOf: UTF8.encode(scalar) ?? .init()) }
        }
    }

    /// Sorts the marks between two starters by combining class. Marks of the same class keep their order.
    private mutating func orderMarks() {
        var start = 0
        while start < points.count {
            var end = start
            var isOrdered = true
            var last: UInt8 = 0
            while end < points.count {
                let found = table.combiningClass(points[end])
                guard found > 0 else { break }
                isOrdered = isOrdered && found >= last
                last = found
                end += 1
            }
            if !isOrdered { sortMarks(start..<end) }
            start = end + 1
        }
    }

    private mutating func sortMarks(_ range: Range<Int>) {
        // Each key has class, place and code point, so marks of the same class keep their order.
        let keys = range.map { place in
            let offset = UInt64(place - range.lowerBound)
            return UInt64(table.combiningClass(points[place])) << 56 | offset << 21 | UInt64(points[place])
        }
        points.replaceSubrange(range, with: keys.sorted().map { UInt32($0 & 0x1F_FFFF) })
    }

    /// Composes each starter with the marks after it, unless a mark of the same or a higher class is in between.
    private mutating func compose() {
        var count = 0
        var starter: Int?
        var lastClass: UInt8 = 0
        for point in points {
            let found = table.combiningClass(point)
            if let place = starter, place == count - 1 || lastClass < found,
                let whole = table.composition(points[place], point)
            {
                points[place] = whole
                continue
            }
            if found == 0 { starter = count }
            lastClass = found
            points[count] = point
            count += 1
        }
        points.removeLast(points.count - count)
    }
}
