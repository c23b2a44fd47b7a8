/// A message as the content of a frame.
///
/// All rules of a message are in one place, `check`. Every value that is sent or received passes through it.
protocol Payload {
    associatedtype Structure: ProtobufStructure

    static var type: MessageType { get }

    /// Copies the contents of the structure after checking its counts.
    init(copying structure: Structure, in phase: LinkPhase) throws(MessageError.Problem)

    /// Checks the rules of the message.
    func check(in phase: LinkPhase) throws(MessageError.Problem)

    /// The C structure of a valid message; it points into `arena`.
    func structure(in arena: PackArena) -> Structure
}
