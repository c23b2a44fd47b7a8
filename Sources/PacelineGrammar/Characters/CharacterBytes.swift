/// How far a text is within a character of UTF-8 (RFC 3629, section 4).
struct CharacterBytes: Hashable {
    /// Bytes that the character still needs; 0 between characters.
    private(set) var missing = 0
    /// What the next of them may be.
    private(set) var next: ClosedRange<UInt8> = 0x80...0xbf

    /// The bytes that begin a character of several bytes.
    static let leads: ClosedRange<UInt8> = 0xc2...0xf4

    /// Takes a byte.
    ///
    /// - Returns: false if no character has it there.
    mutating func take(_ byte: UInt8) -> Bool {
        if missing > 0 {
            guard next.contains(byte) else { return false }
            (missing, next) = (missing - 1, 0x80...0xbf)
            return true
        }
        switch byte {
        case 0...0x7f: break
        case 0xc2...0xdf: missing = 1
        case 0xe0: (missing, next) = (2, 0xa0...0xbf)
        case 0xed: (missing, next) = (2, 0x80...0x9f)
        case 0xe1...0xef: missing = 2
        case 0xf0: (missing, next) = (3, 0x90...0xbf)
        case 0xf4: (missing, next) = (3, 0x80...0x8f)
        case 0xf1...0xf3: missing = 3
        default: return false
        }
        return true
    }
}
