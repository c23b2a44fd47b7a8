import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The window of a sequence's features")
struct FeatureWindowTests {
    private static let taps: [FeatureTap] = [.input(layer: 3), .lastOutput]

    /// Rows that say where they are and of which tap.
    private static func block(
        _ positions: Range<Int>,
        taps: [FeatureTap] = taps,
        width: Int = 2
    ) -> FeatureBlock {
        let values = positions.flatMap { position in
            taps.flatMap { tap in
                [Float16](repeating: Float16(2 * (position % 1000) + (tap == .lastOutput ? 1 : 0)), count: width)
            }
        }
        return FeatureBlock(position: positions.lowerBound, taps: taps, width: width, values: values)
    }

    @Test("has the rows from any position on, in the taps that are asked for")
    func rows() {
        var window = FeatureWindow()
        #expect(window.isEmpty && window.rows(from: 0, taps: Self.taps) == nil)
        window.append(Self.block(4..<10))
        window.append(Self.block(10..<11))
        window.append(Self.block(11..<11))
        window.append(Self.block(11..<14))
        #expect(!window.isEmpty)
        for start in 0..<14 {
            #expect(window.rows(from: start, taps: Self.taps) == Self.block(max(4, start)..<14))
        }
        for none in [14, 15, 1000] { #expect(window.rows(from: none, taps: Self.taps) == nil) }
        #expect(window.rows(from: 9, taps: [.lastOutput]) == Self.block(9..<14, taps: [.lastOutput]))
        let reversed: [FeatureTap] = [.lastOutput, .input(layer: 3)]
        #expect(window.rows(from: 12, taps: reversed) == Self.block(12..<14, taps: reversed))
        #expect(window.rows(from: 12, taps: [.lastOutput, .normedOutput]) == nil)
    }

    @Test("begins again where rows do not follow, or are of other places")
    func gaps() {
        var window = FeatureWindow()
        window.append(Self.block(0..<10))
        window.append(Self.block(11..<13))
        #expect(window.rows(from: 0, taps: Self.taps) == Self.block(11..<13))
        window.append(Self.block(12..<14))
        #expect(window.rows(from: 0, taps: Self.taps) == Self.block(12..<14))
        window.append(Self.block(14..<16, taps: [.normedOutput]))
        #expect(window.rows(from: 0, taps: Self.taps) == nil)
        #expect(window.rows(from: 0, taps: [.normedOutput]) == Self.block(14..<16, taps: [.normedOutput]))
        window.append(Self.block(16..<18, taps: [.normedOutput], width: 3))
        #expect(window.rows(from: 0, taps: [.normedOutput]) == Self.block(16..<18, taps: [.normedOutput], width: 3))
    }

    @Test("keeps the last 512 rows at least, and never many more")
    func count() throws {
        var window = FeatureWindow()
        for position in 0..<3000 {
            window.append(Self.block(position..<position + 1))
            let rows = try #require(window.rows(from: 0, taps: Self.taps))
            #expect(rows.end == position + 1 && rows.count >= min(512, position + 1) && rows.count <= 1024)
        }
        let rows = try #require(window.rows(from: 2990, taps: Self.taps))
        #expect(rows == Self.block(2990..<3000))
    }

    @Test("keeps fewer if they are large, but at least one", arguments: [(1 << 15, 16), (1 << 17, 4), (1 << 20, 1)])
    func bytes(width: Int, least: Int) throws {
        var window = FeatureWindow()
        for position in 0..<3 * least {
            window.append(Self.block(position..<position + 1, width: width))
            let rows = try #require(window.rows(from: 0, taps: [.lastOutput]))
            #expect(rows.end == position + 1 && rows.count >= min(least, position + 1) && rows.count <= 2 * least)
        }
    }
}
