/// Why a verifier or a worker could not start.
package enum ShellError: Error, Equatable, Sendable {
    /// Anyone on the network could connect.
    case notLoopback(address: String)
    case addressInUse(address: String)
    case cannotListen(address: String, reason: String)
    case invalidAddress(String)
    case cannotLoad(String)
}

extension ShellError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notLoopback(let address):
            "\(address) can be reached from other machines, and workers are not authenticated yet; "
                + "listen on 127.0.0.1 or ::1"
        case .addressInUse(let address):
            "\(address) is in use by another process; choose another port, or 0 for any free one"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .invalidAddress(let address): "\(address) is not an address of the form HOST:PORT"
        case .cannotLoad(let reason): reason
        }
    }
}
