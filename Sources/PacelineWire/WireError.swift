/// Why a peer's bytes were refused.
package enum WireError: Error, Equatable, Sendable {
    case frame(FrameError)
    case message(MessageError)

    /// The code to send to the peer before the connection is closed.
    package var faultCode: Message.Fault.Code {
        switch self {
        case .frame(.typeNotAllowed): .unexpected
        case .frame: .badFrame
        case .message: .badMessage
        }
    }
}

extension WireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .frame(let error): "\(error)"
        case .message(let error): "\(error)"
        }
    }
}
