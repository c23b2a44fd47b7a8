import PacelineSpeculation
import Testing

@Suite("Blocks of features")
struct FeatureBlockTests {
    private static let taps: [FeatureTap] = [.input(layer: 2), .lastOutput, .normedOutput]

    /// Rows whose numbers say where they are: 100 · position + 10 · tap + place.
    private static func block(_ rows: Range<Int>, taps: [FeatureTap] = taps, width: Int = 2) -> FeatureBlock {
        var block = FeatureBlock(position: rows.lowerBound, taps: taps, width: width)
        for row in rows {
            let numbers = taps.flatMap { tap in
                (0..<width).map { Float(100 * row + 10 * (Self.taps.firstIndex(of: tap) ?? 0) + $0) }
            }
            block.append(row: numbers)
        }
        return block
    }

    @Test("have the rows that were appended, one by one or block by block")
    func append() {
        var block = Self.block(3..<5)
        #expect(block.count == 2 && block.end == 5 && block.rowLength == 6)
        #expect(block.values == [300, 301, 310, 311, 320, 321, 400, 401, 410, 411, 420, 421])
        block.append(Self.block(5..<5))
        block.append(Self.block(5..<9))
        #expect(block == Self.block(3..<9))
        let empty = FeatureBlock(position: 7, taps: [.lastOutput], width: 3)
        #expect(empty.count == 0 && empty.end == 7)
    }

    @Test("hold the largest numbers of their type in place of those that it cannot hold")
    func clamping() {
        var block = FeatureBlock(position: 0, taps: [.lastOutput], width: 4)
        block.append(row: [1e9, -.infinity, 65_504, -65_519])
        #expect(block.values == [65_504, -65_504, 65_504, -65_504])
    }

    @Test("end in the rows from any position on")
    func suffix() {
        let block = Self.block(3..<9)
        for position in [Int.min, 0, 2, 3] { #expect(block.suffix(from: position) == block) }
        for position in 4..<9 { #expect(block.suffix(from: position) == Self.block(position..<9)) }
        for position in [9, 10, Int.max] {
            let rest = block.suffix(from: position)
            #expect(rest.count == 0 && rest.position == 9)
        }
    }

    @Test("give some of their taps in any order, and nothing if one is missing")
    func selecting() {
        let block = Self.block(3..<6)
        let some: [[FeatureTap]] = [
            Self.taps, Self.taps.reversed(), [.lastOutput], [.normedOutput, .input(layer: 2)],
        ]
        for wanted in some {
            #expect(block.selecting(wanted) == Self.block(3..<6, taps: wanted))
        }
        let missing: [[FeatureTap]] = [[], [.input(layer: 1)], [.lastOutput, .input(layer: 3)]]
        for wanted in missing { #expect(block.selecting(wanted) == nil) }
        #expect(Self.block(4..<4).selecting([.lastOutput])?.count == 0)
    }

    @Test("on their way are joined where one follows the other")
    func joined() {
        var blocks = FeatureBlocks()
        #expect(blocks.blocks.isEmpty && blocks.rowCount == 0)
        for rows in [4..<6, 6..<7, 7..<7, 9..<12, 12..<13] { blocks.append(Self.block(rows)) }
        #expect(blocks.blocks == [Self.block(4..<7), Self.block(9..<13)])
        #expect(blocks.rowCount == 7)
        // Others do not fit the rows of the last one.
        blocks.append(Self.block(13..<14, taps: [.lastOutput]))
        blocks.append(Self.block(14..<15, taps: [.lastOutput], width: 3))
        #expect(blocks.blocks.map(\.position) == [4, 9, 13, 14] && blocks.rowCount == 9)
    }

    @Test("on their way have each row once, and none that comes behind a later one")
    func once() {
        var blocks = FeatureBlocks()
        for rows in [4..<8, 4..<8, 5..<7, 6..<9, 0..<3, 2..<10, 12..<13, 10..<12, 0..<14] {
            blocks.append(Self.block(rows))
        }
        #expect(blocks.blocks == [Self.block(4..<10), Self.block(12..<14)])
        #expect(blocks.rowCount == 8)
    }
}
