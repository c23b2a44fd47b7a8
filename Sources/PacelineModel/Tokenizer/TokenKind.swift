/// What a vocabulary's entry is for (`tokenizer.ggml.token_type`).
enum TokenKind: UInt8, Sendable {
    case undefined, normal, unknown, control, userDefined, unused, byte

    /// A number from a file; those that nobody knows are `undefined`.
    init(fileNumber: Int) {
        self = UInt8(exactly: fileNumber).flatMap(TokenKind.init(rawValue:)) ?? .undefined
    }
}
