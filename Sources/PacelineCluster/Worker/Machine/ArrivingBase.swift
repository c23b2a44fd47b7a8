import PacelineSpeculation
import PacelineWire

/// A request that a verifier is opening: `Open` has come, and its base may still be on its way, in parts.
///
/// Its memory grows with what has arrived, whatever `Open` announced.
struct ArrivingBase: Sendable {
    let link: LinkID
    /// With as much of the base as has arrived.
    private(set) var open: Message.Open
    private var hash: BaseHash

    init(_ open: Message.Open, on link: LinkID) {
        self.link = link
        self.open = open
        hash = BaseHash(open.base)
    }

    var isComplete: Bool { open.base.count == open.baseLength }

    /// Whether a complete base is the one that was announced.
    var isSound: Bool { hash == open.baseHash }

    /// Takes the next part.
    ///
    /// - Returns: what is wrong with it; the base is then unchanged.
    mutating func append(_ part: Message.Base) -> LinkFault? {
        guard part.offset == open.base.count else {
            return .violation(
                "tokens from \(part.offset) on came for the base of request \(part.request), where token "
                    + "\(open.base.count) was due"
            )
        }
        guard part.tokens.count <= open.baseLength - open.base.count else {
            return .violation(
                "\(part.offset + part.tokens.count) tokens came for the base of request \(part.request), which was "
                    + "to have \(open.baseLength)"
            )
        }
        open.base += part.tokens
        hash.append(part.tokens)
        return nil
    }
}
