/// The character properties that pre-tokenisers use, by the Unicode versions of the published tokenizers.
///
/// Never use the Swift runtime's properties instead: they change with its version, and tokens would change with them.
package struct CharacterProperties: Equatable, Sendable {
    /// The category in the low five bits, then a white space bit, then a number bit.
    let bits: UInt8

    static let whiteSpace: UInt8 = 1 << 5
    static let number: UInt8 = 1 << 6

    /// General_Category in Unicode 16.
    package var category: GeneralCategory { GeneralCategory(rawValue: bits & 0x1F) ?? .unassigned }

    /// `\s`: White_Space in Unicode 16.
    package var isWhiteSpace: Bool { bits & Self.whiteSpace != 0 }

    /// `\p{L}`: a letter in Unicode 16.
    package var isLetter: Bool { bits & 0x1F <= GeneralCategory.otherLetter.rawValue }

    /// `\p{N}`: a number in Unicode 16.
    package var isNumber: Bool {
        GeneralCategory.decimalNumber.rawValue...GeneralCategory.otherNumber.rawValue ~= bits & 0x1F
    }

    /// Whether the "Digits" step of published tokenizers isolates it: a number in Unicode 17.
    package var isDigitOfDigitsStep: Bool { bits & Self.number != 0 }
}

/// Unicode's General_Category: letters, marks, numbers, punctuation, symbols, separators and others, in this order.
package enum GeneralCategory: UInt8, Sendable {
    case uppercaseLetter, lowercaseLetter, titlecaseLetter, modifierLetter, otherLetter
    case nonspacingMark, spacingMark, enclosingMark
    case decimalNumber, letterNumber, otherNumber
    case connectorPunctuation, dashPunctuation, openPunctuation, closePunctuation
    case initialPunctuation, finalPunctuation, otherPunctuation
    case mathSymbol, currencySymbol, modifierSymbol, otherSymbol
    case spaceSeparator, lineSeparator, paragraphSeparator
    case control, format, surrogate, privateUse, unassigned
}
