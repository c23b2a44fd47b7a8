import Glibc

/// What is held against addresses whose workers left without having been of use, so that a new connection, with a new
/// incarnation, is no way to be trusted again.
///
/// A worker chooses its name and its incarnation itself, but not the address that it connects from. A stranger inherits
/// the doubt of its address: the refuted trees of those before it count as its own. With enough of them it begins at
/// rest, as one that was refuted here, and can prove itself like any other. Of IPv6, the first 64 bits count: whoever
/// has one such address has all of them.
struct AddressReputation: Sendable {
    /// Addresses that are remembered; the one that was blamed longest ago is forgotten first.
    private static let limit = 256
    /// How long an address is remembered after it was last blamed.
    private static let memory = Duration.seconds(600)

    private struct Entry {
        let address: String
        var doubt: Int
        var blamedAt: Instant
    }

    /// The one that was blamed last comes last.
    private var entries: [Entry] = []

    /// Addresses that something is held against.
    var count: Int { entries.count }

    /// The refuted trees that a stranger from an address begins with, 0 … ``WorkerYield/shortTrial``.
    mutating func doubt(of host: String, now: Instant) -> Int {
        entries.removeAll { $0.blamedAt + Self.memory <= now }
        let address = Self.address(of: host)
        return entries.first { $0.address == address }?.doubt ?? 0
    }

    /// A worker from an address has left, or was made to.
    ///
    /// - Parameter doubt: its refuted trees; 0 changes nothing.
    mutating func blame(_ host: String, doubt: Int, now: Instant) {
        guard doubt > 0 else { return }
        let address = Self.address(of: host)
        let earlier = entries.first { $0.address == address }?.doubt ?? 0
        entries.removeAll { $0.address == address }
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append(Entry(address: address, doubt: min(earlier + doubt, WorkerYield.shortTrial), blamedAt: now))
    }

    /// A worker from an address has been right for the first time.
    mutating func praise(_ host: String) {
        let address = Self.address(of: host)
        entries.removeAll { $0.address == address }
    }

    /// What an address is remembered by.
    static func address(of host: String) -> String {
        var parsed = in6_addr()
        guard inet_pton(AF_INET6, host, &parsed) == 1 else { return host }
        let bytes = withUnsafeBytes(of: parsed) { Array($0) }
        // IPv4, as a socket for both kinds shows it.
        if bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] {
            return bytes.suffix(4).map(String.init).joined(separator: ".")
        }
        let words = stride(from: 0, to: 8, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        return words.map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
    }
}
