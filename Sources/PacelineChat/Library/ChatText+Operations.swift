/// Python's string operations, which keep every scalar's mark.
extension ChatText {
    /// The position of the first `part` at or after `start`; nil if there is none.
    func first(of part: ChatText, from start: Int = 0) -> Int? {
        guard start >= 0, start + part.count <= count else { return nil }
        guard let head = part.units.first.map(Self.value) else { return start }
        for place in start...(count - part.count) where Self.value(units[place]) == head && matches(part, at: place) {
            return place
        }
        return nil
    }

    /// The last position of `part` from which it ends at or before `end`.
    func last(of part: ChatText, endingBy end: Int? = nil) -> Int? {
        var place = (end ?? count) - part.count
        while place >= 0, !matches(part, at: place) { place -= 1 }
        return place >= 0 ? place : nil
    }

    func matches(_ part: ChatText, at place: Int) -> Bool {
        guard place >= 0, place + part.count <= count else { return false }
        return part.units.indices.allSatisfy { Self.value(part.units[$0]) == Self.value(units[place + $0]) }
    }

    func hasPrefix(_ part: ChatText) -> Bool { matches(part, at: 0) }
    func hasSuffix(_ part: ChatText) -> Bool { matches(part, at: count - part.count) }

    func sliced(_ range: Range<Int>) -> ChatText {
        ChatText(units: Array(units[range]))
    }

    /// Without the scalars of `set`, or without white space, at its ends.
    func stripped(_ set: ChatText? = nil, left: Bool = true, right: Bool = true) -> ChatText {
        let dropped = set.map { Set($0.units.map(Self.value)) }
        func isDropped(_ unit: Unit) -> Bool {
            dropped?.contains(Self.value(unit)) ?? isPythonSpace(Self.value(unit))
        }
        var (start, end) = (0, count)
        while left, start < end, isDropped(units[start]) { start += 1 }
        while right, end > start, isDropped(units[end - 1]) { end -= 1 }
        return sliced(start..<end)
    }

    func replacing(_ old: ChatText, with new: ChatText, limit: Int? = nil) -> ChatText {
        var result: [Unit] = []
        var (place, replaced) = (0, 0)
        let limit = limit ?? .max
        while replaced < limit, let found = first(of: old, from: place) {
            result += units[place..<found]
            result += new.units
            replaced += 1
            place = found + old.count
            if old.isEmpty {
                // An empty text is found before each scalar and at the end.
                guard place < count else { return ChatText(units: result) }
                result.append(units[place])
                place += 1
            }
        }
        return ChatText(units: result + units[min(place, count)...])
    }

    func joining(_ pieces: [ChatText]) -> ChatText {
        var result: [Unit] = []
        for (place, piece) in pieces.enumerated() {
            if place > 0 { result += units }
            result += piece.units
        }
        return ChatText(units: result)
    }

    /// Pieces between occurrences of `separator`, at most `limit` cuts, from the left.
    func split(_ separator: ChatText, limit: Int) -> [ChatText] {
        var pieces: [ChatText] = []
        var place = 0
        while pieces.count < limit, let found = first(of: separator, from: place) {
            pieces.append(sliced(place..<found))
            place = found + separator.count
        }
        return pieces + [sliced(place..<count)]
    }

    /// The same from the right.
    func splitFromRight(_ separator: ChatText, limit: Int) -> [ChatText] {
        var pieces: [ChatText] = []
        var end = count
        while pieces.count < limit, let found = last(of: separator, endingBy: end) {
            pieces.append(sliced(found + separator.count..<end))
            end = found
        }
        return (pieces + [sliced(0..<end)]).reversed()
    }

    /// Pieces between runs of white space, at most `limit` cuts, from the left.
    func words(limit: Int) -> [ChatText] {
        var pieces: [ChatText] = []
        var start = 0
        while true {
            while start < count, isSpace(start) { start += 1 }
            guard start < count else { return pieces }
            guard pieces.count < limit else { return pieces + [sliced(start..<count)] }
            let begin = start
            while start < count, !isSpace(start) { start += 1 }
            pieces.append(sliced(begin..<start))
        }
    }

    /// The same from the right.
    func wordsFromRight(limit: Int) -> [ChatText] {
        var pieces: [ChatText] = []
        var end = count
        while true {
            while end > 0, isSpace(end - 1) { end -= 1 }
            guard end > 0 else { return pieces.reversed() }
            guard pieces.count < limit else { return (pieces + [sliced(0..<end)]).reversed() }
            let last = end
            while end > 0, !isSpace(end - 1) { end -= 1 }
            pieces.append(sliced(end..<last))
        }
    }

    private func isSpace(_ place: Int) -> Bool {
        isPythonSpace(Self.value(units[place]))
    }

    /// Lines, at every boundary that Python's `splitlines` knows.
    func lines(keepingEnds: Bool) -> [ChatText] {
        var lines: [ChatText] = []
        var (start, place) = (0, 0)
        while place < count {
            let value = Self.value(units[place])
            guard [0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029].contains(value) else {
                place += 1
                continue
            }
            let isPair = value == 0x0d && place + 1 < count && Self.value(units[place + 1]) == 0x0a
            let end = place + (isPair ? 2 : 1)
            lines.append(sliced(start..<(keepingEnds ? end : place)))
            (start, place) = (end, end)
        }
        return start < count ? lines + [sliced(start..<count)] : lines
    }

    // MARK: Letters

    var uppercased: ChatText { mapped { $0.properties.uppercaseMapping } }

    var lowercased: ChatText {
        var result: [Unit] = []
        for place in units.indices { result += lower(at: place) }
        return ChatText(units: result)
    }

    /// The first letter in capitals, the rest small.
    var capitalized: ChatText {
        guard !isEmpty else { return self }
        var result = title(at: 0)
        for place in 1..<count { result += lower(at: place) }
        return ChatText(units: result)
    }

    /// Every word with a capital first, where a word is a run of cased letters.
    var titlecased: ChatText {
        var result: [Unit] = []
        var isInWord = false
        for place in units.indices {
            result += isInWord ? lower(at: place) : title(at: place)
            isInWord = Self.scalar(units[place]).properties.isCased
        }
        return ChatText(units: result)
    }

    var swapcased: ChatText {
        var result: [Unit] = []
        for place in units.indices {
            let scalar = Self.scalar(units[place])
            let capitals = scalar.properties.uppercaseMapping.unicodeScalars
            result +=
                scalar.properties.isUppercase
                ? lower(at: place) : capitals.map { $0.value | (units[place] & Self.mark) }
        }
        return ChatText(units: result)
    }

    private func mapped(_ mapping: (Unicode.Scalar) -> String) -> ChatText {
        ChatText(
            units: units.flatMap { unit in
                mapping(Self.scalar(unit)).unicodeScalars.map { $0.value | (unit & Self.mark) }
            }
        )
    }

    private func title(at place: Int) -> [Unit] {
        let scalar = Self.scalar(units[place])
        return scalar.properties.titlecaseMapping.unicodeScalars.map { $0.value | (units[place] & Self.mark) }
    }

    private func lower(at place: Int) -> [Unit] {
        let mark = units[place] & Self.mark
        let scalar = Self.scalar(units[place])
        if scalar == "\u{3A3}" { return [(isFinalSigma(at: place) ? 0x3c2 : 0x3c3) | mark] }
        return scalar.properties.lowercaseMapping.unicodeScalars.map { $0.value | mark }
    }

    /// Whether a capital sigma ends a word, and so has a small form of its own.
    private func isFinalSigma(at place: Int) -> Bool {
        func cased(_ range: some Sequence<Int>) -> Bool {
            for index in range {
                let properties = Self.scalar(units[index]).properties
                if !properties.isCaseIgnorable { return properties.isCased }
            }
            return false
        }
        return cased((0..<place).reversed()) && !cased(place + 1..<count)
    }
}
