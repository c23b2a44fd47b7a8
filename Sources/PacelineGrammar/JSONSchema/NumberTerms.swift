/// Numbers within bounds, in plain notation.
struct NumberTerms {
    private(set) var terms = TermTable()
    private let allowsFraction: Bool
    /// The most digits before and behind the point. With 15 together, different texts are different doubles.
    private let wholeDigits: Int32
    private let fractionDigits: Int32

    /// - Parameter allowsFraction: whether there may be digits behind a point.
    init(_ range: NumberRange, allowsFraction: Bool) {
        self.allowsFraction = allowsFraction
        let bounds = [range.minimum, range.maximum].compactMap(\.self)
        let longest = bounds.map { Int32($0.value.whole.count) }.max() ?? 1
        wholeDigits = max(allowsFraction ? 9 : JSONTerms.wholeDigits, longest + 1)
        let behind = bounds.map { Int32($0.value.fraction.count) }.max() ?? 0
        fractionDigits = max(6, behind + 1)
    }

    /// Whether every text is distinguished from a strict bound when it is read as a double.
    static func isExact(_ range: NumberRange) -> Bool {
        [range.minimum, range.maximum].allSatisfy { bound in
            guard let bound, bound.isStrict else { return true }
            return bound.value.whole.count + max(6, bound.value.fraction.count + 1) <= 15
        }
    }

    /// The term of the numbers in a range that are not negative, or of those that are.
    mutating func part(_ range: NumberRange, isNegative: Bool) -> (least: Term, most: Term)? {
        let zero = NumberRange.Bound(value: .zero, isStrict: isNegative)
        if isNegative {
            guard range.minimum?.value.isNegative ?? true else { return nil }
            let most = range.minimum.map { NumberRange.Bound(value: $0.value.magnitude, isStrict: $0.isStrict) }
            let least = range.maximum.flatMap { bound in
                bound.value.isNegative ? NumberRange.Bound(value: bound.value.magnitude, isStrict: bound.isStrict) : nil
            }
            return (atLeast(least ?? zero), most.map { atMost($0) } ?? atLeast(zero))
        }
        if let maximum = range.maximum, maximum.value.isNegative { return nil }
        let least = range.minimum.flatMap { $0.value.isNegative ? nil : $0 }
        return (atLeast(least ?? zero), range.maximum.map { atMost($0) } ?? atLeast(zero))
    }

    // MARK: Comparing with one bound

    private mutating func digits(_ range: ClosedRange<UInt8>) -> Term {
        terms.byte(ByteSet(range.map { $0 + 0x30 }))
    }

    private mutating func anyDigits(_ minimum: Int32, _ maximum: Int32) -> Term {
        let digit = digits(0...9)
        return terms.repetition(digit, minimum, max(minimum, maximum))
    }

    private mutating func text(_ digits: some Sequence<UInt8>) -> Term {
        terms.literal(digits.map { $0 + 0x30 })
    }

    /// A point and any digits, or nothing.
    private mutating func anyFraction() -> Term {
        guard allowsFraction else { return .end }
        return terms.optional(terms.sequence(terms.literal(".".utf8), anyDigits(1, fractionDigits)))
    }

    private mutating func atLeast(_ bound: NumberRange.Bound) -> Term {
        let (whole, fraction) = (bound.value.whole, bound.value.fraction)
        let count = Int32(whole.count)
        let any = anyFraction()
        var parts = [terms.sequence([digits(1...9), anyDigits(count, wholeDigits), any])]
        for (place, digit) in whole.enumerated() where digit < 9 {
            let head = text(whole[..<place])
            parts.append(terms.sequence([head, digits(digit + 1...9), anyDigits(count - Int32(place) - 1, 0), any]))
        }
        if fraction.isEmpty {
            parts.append(terms.sequence(text(whole), bound.isStrict ? fractionAbove(fraction, bound.isStrict) : any))
        } else {
            parts.append(terms.sequence(text(whole), fractionAbove(fraction, bound.isStrict)))
        }
        return terms.choice(parts)
    }

    /// A point and digits that are larger than `fraction`, or equal to it where that is allowed.
    private mutating func fractionAbove(_ fraction: [UInt8], _ isStrict: Bool) -> Term {
        guard allowsFraction else { return .nothing }
        let room = fractionDigits - Int32(fraction.count)
        var parts: [Term] = []
        for (place, digit) in fraction.enumerated() where digit < 9 {
            let rest = fractionDigits - Int32(place) - 1
            parts.append(terms.sequence([text(fraction[..<place]), digits(digit + 1...9), anyDigits(0, rest)]))
        }
        if isStrict {
            let zeros = terms.repetition(digits(0...0), 0, room - 1)
            parts.append(terms.sequence([text(fraction), zeros, digits(1...9)]))
        } else {
            parts.append(terms.sequence(text(fraction), anyDigits(0, room)))
        }
        return terms.sequence(terms.literal(".".utf8), terms.choice(parts))
    }

    private mutating func atMost(_ bound: NumberRange.Bound) -> Term {
        let (whole, fraction) = (bound.value.whole, bound.value.fraction)
        let count = Int32(whole.count)
        let any = anyFraction()
        var parts: [Term] = []
        if count > 1 {
            let shorter = terms.sequence(digits(1...9), anyDigits(0, count - 2))
            parts.append(terms.sequence(terms.choice([digits(0...0), shorter]), any))
        }
        for (place, digit) in whole.enumerated() {
            let lowest: UInt8 = place == 0 && count > 1 ? 1 : 0
            guard digit > lowest else { continue }
            let head = text(whole[..<place])
            let rest = anyDigits(count - Int32(place) - 1, 0)
            parts.append(terms.sequence([head, digits(lowest...digit - 1), rest, any]))
        }
        parts.append(terms.sequence(text(whole), fractionBelow(fraction, bound.isStrict)))
        return terms.choice(parts)
    }

    /// Nothing, or a point and digits, that are smaller than `fraction`, or equal to it where that is allowed.
    private mutating func fractionBelow(_ fraction: [UInt8], _ isStrict: Bool) -> Term {
        var parts: [Term] = fraction.isEmpty && isStrict ? [] : [.end]
        guard allowsFraction else { return terms.choice(parts) }
        let point = terms.literal(".".utf8)
        let zeros = digits(0...0)
        for (place, digit) in fraction.enumerated() {
            if place > 0 { parts.append(terms.sequence(point, text(fraction[..<place]))) }
            guard digit > 0 else { continue }
            let rest = fractionDigits - Int32(place) - 1
            parts.append(
                terms.sequence([point, text(fraction[..<place]), digits(0...digit - 1), anyDigits(0, rest)])
            )
        }
        if !isStrict {
            let room = fractionDigits - Int32(fraction.count)
            let least: Int32 = fraction.isEmpty ? 1 : 0
            parts.append(terms.sequence([point, text(fraction), terms.repetition(zeros, least, room)]))
        }
        return terms.choice(parts)
    }
}
