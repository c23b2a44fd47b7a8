/// The type byte of a frame header.
package enum MessageType: UInt8, Sendable, CaseIterable {
    case hello = 0x01
    case challenge = 0x02
    case authenticate = 0x03
    case welcome = 0x04

    case open = 0x10
    case tree = 0x11
    case verifying = 0x12
    case verdict = 0x13
    case close = 0x14
    case base = 0x15
    case features = 0x16

    case ping = 0x20
    case pong = 0x21
    case drain = 0x22
    case fault = 0x23
}

extension MessageType {
    /// The name with its article, for error messages.
    var withArticle: String {
        switch self {
        case .authenticate, .open: "an \(self)"
        default: "a \(self)"
        }
    }
}
