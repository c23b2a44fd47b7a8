/// Half of a surrogate pair in JSON's escapes (RFC 8259, section 8.2). An example is `\ud800` without `\udc00` to
/// `\udfff` after it, or one of these without a first half. It encodes no character.
enum LoneSurrogate {
    /// The first lone surrogate in a JSON text.
    ///
    /// - Returns: the escape as written, and its offset in bytes.
    static func first(in json: some RandomAccessCollection<UInt8>) -> (escape: String, offset: Int)? {
        var rest = json[...]
        while let backslash = rest.firstIndex(of: UInt8(ascii: "\\")) {
            rest = rest[backslash...]
            switch unit(rest) {
            case (0xD800...0xDBFF)?:
                guard case (0xDC00...0xDFFF)? = unit(rest.dropFirst(6)) else { return found(rest, in: json) }
                rest = rest.dropFirst(12)
            case (0xDC00...0xDFFF)?: return found(rest, in: json)
            // Any other escape; the character after the backslash may be a backslash itself.
            default: rest = rest.dropFirst(2)
            }
        }
        return nil
    }

    private static func found<JSON: RandomAccessCollection<UInt8>>(
        _ escape: JSON.SubSequence,
        in json: JSON
    ) -> (escape: String, offset: Int) {
        (String(decoding: escape.prefix(6), as: UTF8.self), json.distance(from: json.startIndex, to: escape.startIndex))
    }

    /// The UTF-16 code unit of the escape `\uXXXX` at the start of `bytes`; nil if there is none.
    private static func unit(_ bytes: some RandomAccessCollection<UInt8>) -> UInt16? {
        let escape = bytes.prefix(6)
        guard escape.count == 6, escape.starts(with: "\\u".utf8) else { return nil }
        let digits = escape.dropFirst(2)
        guard digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
