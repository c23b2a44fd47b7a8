import Glibc

/// Why a socket could not be opened or broke, told apart by what a user can do about it.
package enum SocketFailure: Error, Hashable, Sendable {
    /// Nobody listens at the address.
    case refused
    /// No route leads to the host.
    case unreachable
    case timedOut
    case unknownHost
    /// This process, or the system, has as many files open as it may.
    case tooManyFiles
    case notPermitted
    case addressInUse
    /// The address belongs to another machine, or no local port is left.
    case addressUnavailable
    /// The other side ended the connection without a farewell.
    case reset
    /// Anything else, in the words of the system or of NIO.
    case other(String)

    /// - Parameter errno: the system's error number.
    package init(errno code: Int32) {
        switch code {
        case ECONNREFUSED: self = .refused
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN: self = .unreachable
        case ETIMEDOUT: self = .timedOut
        case EMFILE, ENFILE: self = .tooManyFiles
        case EACCES, EPERM: self = .notPermitted
        case EADDRINUSE: self = .addressInUse
        case EADDRNOTAVAIL: self = .addressUnavailable
        case ECONNRESET, ECONNABORTED, EPIPE: self = .reset
        default: self = .other("the system reports error \(code) (\(String(cString: strerror(code))))")
        }
    }

    /// The sentence for a user whose process could not connect to `address`.
    package func connecting(to address: String) -> String {
        switch self {
        case .refused: "nothing listens at \(address)"
        case .unreachable: "no route leads to \(address); check the address and the network"
        case .timedOut: "\(address) does not answer; check the address and the firewalls on the way"
        case .unknownHost: "the host of \(address) is unknown; check its spelling and the name server"
        case .tooManyFiles: "cannot connect to \(address): \(self)"
        case .notPermitted: "the system does not let this process connect to \(address); check the firewall's rules"
        case .addressInUse, .addressUnavailable:
            "no local port is left to connect to \(address) from; close other connections first"
        case .reset: "\(address) ended the connection at once; check what listens there"
        case .other(let words): "cannot connect to \(address): \(words)"
        }
    }
}

extension SocketFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused: "nothing listens there"
        case .unreachable: "no route leads to the other side"
        case .timedOut: "the other side does not answer"
        case .unknownHost: "the host is unknown"
        case .tooManyFiles: "no more files may be opened; raise the limit (ulimit -n)"
        case .notPermitted: "the system does not permit it"
        case .addressInUse: "the address is in use"
        case .addressUnavailable: "the address does not belong to this machine"
        case .reset: "the other side ended it without a farewell"
        case .other(let words): words
        }
    }
}
