/// The kind of a vocabulary entry (`tokenizer.ggml.token_type`).
enum TokenKind: UInt8, Sendable {
    case undefined, normal, unknown, control, userDefined, unused, byte

    /// Converts a number from a file; unknown numbers become `undefined`.
    init(fileNumber: Int) {
        self = UInt8(exactly: fileNumber).flatMap(TokenKind.init(rawValue:)) ?? .undefined
    }
}
