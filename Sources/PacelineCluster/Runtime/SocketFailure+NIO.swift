import NIOCore
import NIOPosix

extension SocketFailure {
    /// - Parameter error: what NIO reports about a socket.
    package init(_ error: any Error) {
        switch error {
        case let error as IOError: self.init(errno: error.errnoCode)
        case let error as NIOConnectionError: self.init(error)
        case let error as ChannelError: self.init(error)
        case is SocketAddressError: self = .unknownHost
        default: self = .unexpected(error)
        }
    }

    /// A failure that no case foresees, named by its type: its own description is not for users.
    private static func unexpected(_ error: any Error) -> SocketFailure {
        .other("the network failed in an unexpected way (\(type(of: error))); try again")
    }

    /// Several addresses of one host may have been tried; the first that has a route tells the most.
    private init(_ error: NIOConnectionError) {
        let failures = error.connectionErrors.map { SocketFailure($0.error) }
        self = failures.first { $0 != .unreachable } ?? failures.first ?? .unknownHost
    }

    private init(_ error: ChannelError) {
        switch error {
        case .connectTimeout: self = .timedOut
        case .eof, .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed: self = .reset
        default: self = .unexpected(error)
        }
    }
}
