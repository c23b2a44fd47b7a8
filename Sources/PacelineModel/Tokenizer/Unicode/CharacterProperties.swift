/// What pre-tokenisers ask of a character, by the Unicode versions that the published tokenizers read.
///
/// Never taken from the Swift runtime: its tables change with its version, and the tokens of a text with them.
package struct CharacterProperties: Equatable, Sendable {
    /// The category in the low five bits, then white space, then number.
    let bits: UInt8

    static let whiteSpace: UInt8 = 1 << 5
    static let number: UInt8 = 1 << 6

    /// General_Category by Unicode 16.
    package var category: GeneralCategory { GeneralCategory(rawValue: bits & 0x1F) ?? .unassigned }

    /// `\s`: White_Space by Unicode 16.
    package var isWhiteSpace: Bool { bits & Self.whiteSpace != 0 }

    /// `\p{L}`: a letter by Unicode 16.
    package var isLetter: Bool { bits & 0x1F <= GeneralCategory.otherLetter.rawValue }

    /// `\p{N}`: a number by Unicode 16.
    package var isNumber: Bool {
        GeneralCategory.decimalNumber.rawValue...GeneralCategory.otherNumber.rawValue ~= bits & 0x1F
    }

    /// What the step "Digits" of published tokenizers cuts out: a number by Unicode 17.
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
