import ArgumentParser

/// A rate on the command line, in bits per second with the units of `tc`: `10Mbit`, `500kbit`.
struct BandwidthArgument: ExpressibleByArgument, Hashable {
    private static let units = [("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3), ("bit", 1)]
    /// The highest rate accepted: one terabit per second.
    private static let limit = 1e12

    let bytesPerSecond: Int

    init?(argument: String) {
        let text = argument.lowercased()
        guard let (unit, scale) = Self.units.first(where: { text.hasSuffix($0.0) }),
            let count = Double(text.dropLast(unit.count)), count * scale >= 8, count * scale <= Self.limit
        else { return nil }
        bytesPerSecond = Int(count * scale / 8)
    }
}
