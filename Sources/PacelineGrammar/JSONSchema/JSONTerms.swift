/// Terms of JSON's grammar (RFC 8259), with the white space that is allowed between its parts.
///
/// White space is bounded, so that no model writes it for ever: one space or none behind a colon; behind `{`, `[` and a
/// comma and before `}` and `]` one space or none, or a line break with up to ``indentation`` spaces and tabs. There is
/// none elsewhere, before and behind the value neither.
struct JSONTerms {
    static let indentation: Int32 = 64
    /// Digits of a number before the point, behind it, and in the exponent: no double is exceeded.
    static let wholeDigits: Int32 = 15
    static let fractionDigits: Int32 = 16
    static let exponentDigits: Int32 = 2

    /// Behind a bracket or a comma, and before a closing bracket.
    let gap: Term
    /// Behind a colon.
    let colonGap: Term
    /// Any string, in quotes.
    let string: Term
    /// Any character of a string, however it may be spelt.
    let character: Term
    let integer: Term
    let number: Term
    /// Any value, any object and any array.
    let value: Term
    let object: Term
    let array: Term

    init(_ builder: inout GrammarBuilder) {
        let digits = ByteSet(0x30...0x39)
        var terms = builder.terms
        let indent = terms.repetition(terms.byte(ByteSet(" \t".utf8)), 0, Self.indentation)
        let line = terms.sequence(terms.literal("\n".utf8), indent)
        gap = terms.choice([.end, terms.literal(" ".utf8), line])
        colonGap = terms.choice([.end, terms.literal(" ".utf8)])
        character = Self.character(&terms)
        let quote = terms.literal("\"".utf8)
        string = terms.sequence([quote, terms.repetition(character, 0, nil), quote])
        let digit = terms.byte(digits)
        let minus = terms.optional(terms.literal("-".utf8))
        let positive = terms.sequence(
            terms.byte(ByteSet(0x31...0x39)),
            terms.repetition(digit, 0, Self.wholeDigits - 1)
        )
        let whole = terms.choice([terms.literal("0".utf8), positive])
        integer = terms.choice([whole, terms.sequence(terms.literal("-".utf8), positive)])
        let fraction = terms.sequence(terms.literal(".".utf8), terms.repetition(digit, 1, Self.fractionDigits))
        let exponent = terms.sequence([
            terms.byte(ByteSet("eE".utf8)), terms.optional(terms.byte(ByteSet("+-".utf8))),
            terms.repetition(digit, 1, Self.exponentDigits),
        ])
        number = terms.sequence([minus, whole, terms.optional(fraction), terms.optional(exponent)])
        builder.terms = terms
        (value, object, array) = Self.value(&builder, scalars: [string, number], gap, colonGap)
    }

    private static func value(
        _ builder: inout GrammarBuilder,
        scalars: [Term],
        _ gap: Term,
        _ colonGap: Term
    ) -> (value: Term, object: Term, array: Term) {
        let (objectRule, object) = builder.newRule()
        let (arrayRule, array) = builder.newRule()
        let (valueRule, value) = builder.newRule()
        let words = builder.terms.anyOf(["true", "false", "null"].map { Array($0.utf8) })
        builder.define(valueRule, as: builder.terms.choice(scalars + [words, object, array]))
        let member = builder.terms.sequence([scalars[0], builder.terms.literal(":".utf8), colonGap, value])
        builder.define(objectRule, as: enclosed(&builder.terms, "{", member, "}", gap))
        builder.define(arrayRule, as: enclosed(&builder.terms, "[", value, "]", gap))
        return (value, object, array)
    }

    /// Any number of items between brackets.
    private static func enclosed(
        _ terms: inout TermTable,
        _ open: String,
        _ item: Term,
        _ close: String,
        _ gap: Term
    ) -> Term {
        let more = terms.repetition(terms.sequence([terms.literal(",".utf8), gap, item]), 0, nil)
        let items = terms.sequence([gap, item, more, gap])
        return terms.sequence([terms.literal(open.utf8), terms.optional(items), terms.literal(close.utf8)])
    }

    private static let escaped = CodePointSet([0...0x1f, 0x22...0x22, 0x5c...0x5c])

    /// A character of a string: itself or an escape, but no half of a character.
    private static func character(_ terms: inout TermTable) -> Term {
        func hex(_ terms: inout TermTable, _ digits: String) -> Term { terms.byte(ByteSet(digits.utf8)) }
        let plain = terms.utf8(escaped.complement)
        let short = terms.byte(ByteSet("\"\\/bfnrt".utf8))
        let any = hex(&terms, "0123456789abcdefABCDEF")
        let letter = hex(&terms, "dD")
        let low = terms.sequence([letter, hex(&terms, "cdefCDEF"), any, any])
        let high = terms.sequence([letter, hex(&terms, "89abAB"), any, any])
        let unit = terms.choice([
            terms.sequence([hex(&terms, "0123456789abcefABCEF"), any, any, any]),
            terms.sequence([letter, hex(&terms, "01234567"), any, any]),
        ])
        let pair = terms.sequence([high, terms.literal("\\u".utf8), low])
        let long = terms.sequence(terms.literal("u".utf8), terms.choice([unit, pair]))
        return terms.choice([plain, terms.sequence(terms.literal("\\".utf8), terms.choice([short, long]))])
    }

    /// A character of a set in its usual spelling: itself, or its shortest escape.
    static func character(of set: CodePointSet, _ terms: inout TermTable) -> Term {
        var parts = [terms.utf8(set.subtracting(escaped))]
        for value in [UInt32](0...0x1f) + [0x22, 0x5c] where set.contains(value) {
            parts.append(terms.literal(spelling(of: value).utf8))
        }
        return terms.choice(parts)
    }

    private static func spelling(of value: UInt32) -> String {
        switch value {
        case 0x22: return "\\\""
        case 0x5c: return "\\\\"
        case 0x08: return "\\b"
        case 0x0c: return "\\f"
        case 0x0a: return "\\n"
        case 0x0d: return "\\r"
        case 0x09: return "\\t"
        default:
            let digits = String(value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }
    }
}
