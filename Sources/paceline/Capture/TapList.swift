import ArgumentParser
import PacelineSpeculation

/// `normed`, or `2,15,27` on the command line: where features are read.
struct TapList: ExpressibleByArgument, CustomStringConvertible {
    let taps: [FeatureTap]

    init(_ taps: [FeatureTap]) { self.taps = taps }

    init?(argument: String) {
        var taps: [FeatureTap] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            switch part {
            case "normed": taps.append(.normedOutput)
            case "last": taps.append(.lastOutput)
            default:
                guard let layer = UInt16(part) else { return nil }
                taps.append(.input(layer: Int(layer)))
            }
        }
        guard Set(taps).count == taps.count, taps.count <= Self.limit else { return nil }
        self.taps = taps
    }

    /// As many as a capture file takes.
    private static let limit = 64

    var description: String {
        taps.map { tap in
            switch tap {
            case .normedOutput: "normed"
            case .lastOutput: "last"
            case .input(let layer): "\(layer)"
            }
        }.joined(separator: ",")
    }

    var defaultValueDescription: String { description }
}
