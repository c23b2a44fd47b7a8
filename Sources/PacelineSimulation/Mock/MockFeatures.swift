package import PacelineSpeculation

/// The features of the mock target: a row says of which prefix and which tap it is.
package enum MockFeatures {
    /// Layers that the mock target claims to have.
    package static let layers = 4
    /// Numbers of one tap in a row.
    package static let width = 4

    /// Rows of consecutive positions of a sequence.
    package static func block(of tokens: [Token], at positions: Range<Int>, taps: [FeatureTap]) -> FeatureBlock {
        var prefix = BaseHash()
        prefix.append(tokens[..<positions.lowerBound])
        let prefixes = tokens[positions].map { token in
            prefix.append(token)
            return prefix
        }
        return block(of: prefixes, from: positions.lowerBound, taps: taps)
    }

    /// Rows from a position on, each by the prefix that its token ends.
    static func block(of prefixes: [BaseHash], from position: Int, taps: [FeatureTap]) -> FeatureBlock {
        let values = prefixes.flatMap { prefix in taps.flatMap { numbers(of: prefix, $0) } }
        return FeatureBlock(position: position, taps: taps, width: width, values: values)
    }

    /// Whole numbers of which the largest is 127, so that they travel unchanged in eight bits too.
    private static func numbers(of prefix: BaseHash, _ tap: FeatureTap) -> [Float16] {
        let place: UInt64 =
            switch tap {
            case .input(let layer): UInt64(layer)
            case .lastOutput: 1 << 32
            case .normedOutput: 2 << 32
            }
        let mixed = MockText.mix(prefix.rawValue ^ MockText.mix(place))
        return [127] + (1..<width).map { Float16(Int8(truncatingIfNeeded: mixed >> (8 * $0)).clamped) }
    }
}

extension Int8 {
    /// Without the number that has no opposite.
    fileprivate var clamped: Int8 { Swift.max(self, -127) }
}
