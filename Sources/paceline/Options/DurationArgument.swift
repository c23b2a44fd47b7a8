import ArgumentParser
import PacelineCluster
import PacelineSpeculation

/// A time on the command line: `20ms`, `1.5s`, `250us`. A bare number is ambiguous and refused, except 0.
struct DurationArgument: ExpressibleByArgument, Hashable, Comparable, CustomStringConvertible {
    private static let units = [("us", 0.001), ("ms", 1), ("s", 1000)]
    /// A day, in milliseconds: longer than any option allows, and far from overflow.
    private static let limit = 86_400_000.0

    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        if argument == "0" {
            self.init(.zero)
            return
        }
        // "s" comes last because the other units end in it too.
        guard let (unit, milliseconds) = Self.units.first(where: { argument.hasSuffix($0.0) }),
            let count = Double(argument.dropLast(unit.count)), count >= 0, count * milliseconds <= Self.limit
        else { return nil }
        self.init(.fromMilliseconds(count * milliseconds))
    }

    static func < (left: DurationArgument, right: DurationArgument) -> Bool {
        left.duration < right.duration
    }

    var description: String {
        let milliseconds = duration.inMilliseconds
        if milliseconds >= 1000 { return "\((milliseconds / 1000).shortest)s" }
        return milliseconds >= 1 || milliseconds == 0
            ? "\(milliseconds.shortest)ms" : "\((milliseconds * 1000).shortest)us"
    }

    var defaultValueDescription: String { description }
}

extension Double {
    /// Without a decimal point for whole numbers.
    fileprivate var shortest: String {
        self == rounded() ? "\(Int(self))" : "\(self)"
    }
}
