/// A message as the content of a frame.
///
/// There is one set of rules and one place where they stand: `check`. Every value that is sent and every value that
/// came passes through it.
protocol Payload {
    associatedtype Structure: ProtobufStructure

    static var type: MessageType { get }

    /// Copies what the structure points at, as far as its counts allow.
    init(copying structure: Structure, in phase: LinkPhase) throws(MessageError.Problem)

    /// The rules of the message.
    func check(in phase: LinkPhase) throws(MessageError.Problem)

    /// The C structure of a valid message; it points into `arena`.
    func structure(in arena: PackArena) -> Structure
}
