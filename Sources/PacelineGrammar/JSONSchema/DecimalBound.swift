/// A bound of numbers, digit by digit.
struct DecimalBound: Hashable {
    var isNegative: Bool
    /// Digits before the point, without leading zeros but at least one.
    var whole: [UInt8]
    /// Digits behind the point, without trailing zeros.
    var fraction: [UInt8]

    private static let digitLimit = 30

    var isZero: Bool { whole == [0] && fraction.isEmpty }

    var magnitude: DecimalBound {
        var result = self
        result.isNegative = false
        return result
    }

    static let zero = DecimalBound(isNegative: false, whole: [0], fraction: [])

    private init(isNegative: Bool, whole: [UInt8], fraction: [UInt8]) {
        (self.isNegative, self.whole, self.fraction) = (isNegative, whole, fraction)
    }

    /// - Parameter text: a number as JSON or Swift spells it; nil if it has too many digits.
    init?(_ text: String) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var isNegative = false
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") { (isNegative, rest) = (true, rest.dropFirst()) }
        while let byte = rest.popFirst() {
            switch byte {
            case 0x30...0x39: digits.append(byte - 0x30)
            case UInt8(ascii: "."): point = digits.count
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let value = Int(String(decoding: rest, as: UTF8.self)), abs(value) < 400 else { return nil }
                exponent = value
                rest = []
            default: return nil
            }
        }
        let place = (point ?? digits.count) + exponent
        if place < 0 { digits.insert(contentsOf: repeatElement(0, count: -place), at: 0) }
        if place > digits.count { digits += repeatElement(0, count: place - digits.count) }
        let split = max(place, 0)
        whole = Array(digits[..<split].drop { $0 == 0 })
        fraction = Array(digits[split...])
        while fraction.last == 0 { fraction.removeLast() }
        if whole.isEmpty { whole = [0] }
        self.isNegative = isNegative
        if isZero { self.isNegative = false }
        guard whole.count <= Self.digitLimit, fraction.count <= Self.digitLimit else { return nil }
    }

    /// Whether this is less than the other number.
    static func < (a: DecimalBound, b: DecimalBound) -> Bool {
        if a.isNegative != b.isNegative { return a.isNegative }
        let (small, large) = a.isNegative ? (b, a) : (a, b)
        if small.whole.count != large.whole.count { return small.whole.count < large.whole.count }
        if small.whole != large.whole { return small.whole.lexicographicallyPrecedes(large.whole) }
        return small.fraction.lexicographicallyPrecedes(large.fraction)
    }
}

/// The numbers that a schema allows.
struct NumberRange: Hashable {
    struct Bound: Hashable {
        var value: DecimalBound
        var isStrict: Bool
    }

    var minimum: Bound?
    var maximum: Bound?

    var isAll: Bool { minimum == nil && maximum == nil }

    mutating func raise(_ bound: Bound) {
        guard let old = minimum else { return minimum = bound }
        if old.value < bound.value || (old.value == bound.value && bound.isStrict) { minimum = bound }
    }

    mutating func lower(_ bound: Bound) {
        guard let old = maximum else { return maximum = bound }
        if bound.value < old.value || (old.value == bound.value && bound.isStrict) { maximum = bound }
    }

    func contains(_ number: DecimalBound) -> Bool {
        if let minimum, number < minimum.value || (number == minimum.value && minimum.isStrict) { return false }
        if let maximum, maximum.value < number || (number == maximum.value && maximum.isStrict) { return false }
        return true
    }
}
