/// Why a verifier or a worker could not start.
package enum ShellError: Error, Equatable, Sendable {
    /// Anyone on the network could pass for a worker.
    case openLink(address: String)
    /// Anyone on the network could use the model.
    case openHTTP(address: String)
    case unknownHost(address: String)
    case addressInUse(address: String)
    /// The address belongs to another machine.
    case foreignAddress(address: String)
    case listeningNotPermitted(address: String)
    /// For any other reason.
    case cannotListen(address: String, reason: String)
    case invalidAddress(String)
    case invalidDiscovery(String)
    case cannotLoad(String)
}

extension ShellError {
    /// - Parameter error: why NIO could not open the socket.
    package init(listeningOn endpoint: Endpoint, _ error: any Error) {
        let address = "\(endpoint)"
        let failure = SocketFailure(error)
        self =
            switch failure {
            case .addressInUse: .addressInUse(address: address)
            case .addressUnavailable: .foreignAddress(address: address)
            case .notPermitted: .listeningNotPermitted(address: address)
            case .unknownHost: .unknownHost(address: address)
            case .tooManyFiles: .cannotListen(address: address, reason: "\(failure)")
            default: .cannotListen(address: address, reason: "\(failure); choose another address or port")
            }
    }
}

extension ShellError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .openLink(let address):
            "\(address) can be reached from other machines, and nothing says which workers may connect; "
                + "share a token with them (--token-file or PACELINE_TOKEN), use certificates (--tls-certificate), "
                + "or listen on 127.0.0.1 or ::1"
        case .openHTTP(let address):
            "\(address) can be reached from other machines, and whoever reaches it may use the model; "
                + "ask clients for a key (--api-key-file), listen on 127.0.0.1 or ::1, "
                + "or say --allow-unauthenticated-http"
        case .unknownHost(let address): SocketFailure.unknownHost.connecting(to: address)
        case .addressInUse(let address):
            "\(address) is in use by another process; choose another port, or 0 for any free one"
        case .foreignAddress(let address):
            "\(address) is not an address of this machine; listen on one that is, or on 127.0.0.1"
        case .listeningNotPermitted(let address):
            "the system does not let this process listen on \(address); choose a port of 1024 or above"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .invalidAddress(let address): "\(address) is not an address of the form HOST:PORT"
        case .invalidDiscovery(let argument):
            "\(argument) does not say where to look; write dns:NAME:PORT, such as dns:verifier.example.org:8080"
        case .cannotLoad(let reason): reason
        }
    }
}
