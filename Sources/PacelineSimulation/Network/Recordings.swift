import NIOCore

/// The last frames of each client's connections, for a network that lets some come again later.
struct Recordings {
    private struct Lane: Hashable {
        let client: ObjectIdentifier
        let side: SimulatedConnection.Side
    }

    /// Frames of one direction of one client that are kept.
    private static let limit = 24

    private var frames: [Lane: [(connection: Int, frame: ByteBuffer)]] = [:]

    /// A frame was sent to `side` on a connection.
    mutating func record(
        _ frame: ByteBuffer,
        of client: any ConnectionOwner,
        to side: SimulatedConnection.Side,
        on connection: Int
    ) {
        let lane = Lane(client: ObjectIdentifier(client), side: side)
        frames[lane, default: []].append((connection, frame))
        // Those in the middle go: the first frames of a connection and the latest are worth the most.
        if frames[lane, default: []].count > 2 * Self.limit {
            frames[lane]?.removeSubrange(Self.limit / 2..<Self.limit / 2 + Self.limit)
        }
    }

    /// Frames to `side` of the client's connections before this one.
    func frames(
        of client: any ConnectionOwner,
        to side: SimulatedConnection.Side,
        before connection: Int
    ) -> [ByteBuffer] {
        let known = frames[Lane(client: ObjectIdentifier(client), side: side)] ?? []
        return known.filter { $0.connection < connection }.map(\.frame)
    }
}
