/// One message of the draft link.
///
/// `Protocols/README.md` specifies every message. A value from ``MessageDecoder`` is valid: every count, index and
/// token id is within its limits.
package enum Message: Sendable, Equatable {
    case hello(Hello)
    case challenge(Challenge)
    case authenticate(Authenticate)
    case welcome(Welcome)
    case open(Open)
    case base(Base)
    case tree(Tree)
    case verifying(Verifying)
    case verdict(Verdict)
    case features(Features)
    case close(Close)
    case ping(Ping)
    case pong(Pong)
    case drain(Drain)
    case fault(Fault)

    package var type: MessageType {
        switch self {
        case .hello: .hello
        case .challenge: .challenge
        case .authenticate: .authenticate
        case .welcome: .welcome
        case .open: .open
        case .base: .base
        case .tree: .tree
        case .verifying: .verifying
        case .verdict: .verdict
        case .features: .features
        case .close: .close
        case .ping: .ping
        case .pong: .pong
        case .drain: .drain
        case .fault: .fault
        }
    }
}
