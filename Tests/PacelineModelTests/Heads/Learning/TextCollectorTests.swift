import PacelineModel
import PacelineSpeculation
import PacelineTraining
import Testing

@Suite("Texts that are served")
struct TextCollectorTests {
    private static let taps = [FeatureTap.normedOutput]

    /// Rows whose numbers are their positions.
    private func block(_ positions: Range<Int>, taps: [FeatureTap] = taps) -> FeatureBlock {
        var block = FeatureBlock(position: positions.lowerBound, taps: taps, width: 2)
        for position in positions { block.append(row: (0..<2 * taps.count).map { _ in Float(position) }) }
        return block
    }

    private func collector(_ change: (inout TextCollector<Int>.Limits) -> Void = { _ in }) -> TextCollector<Int> {
        var limits = TextCollector<Int>.Limits()
        limits.context = 4
        change(&limits)
        return TextCollector(taps: Self.taps, limits: limits)
    }

    private func tokens(_ range: Range<Int>) -> [Token] { range.map { Token(100 + $0) } }

    @Test("have the answer's tokens with their features, and the end of the prompt before them")
    func whole() throws {
        var collector = collector()
        collector.open(1, base: tokens(0..<10))
        collector.take(block(0..<10), of: 1)
        for end in 11...20 {
            collector.take(block(end - 1..<end), of: 1)
            collector.commit(tokens(end - 1..<end), of: 1)
        }
        // The last feature is of a token that never came.
        collector.take(block(20..<21), of: 1)
        let closed = collector.close(1)
        let text = try #require(closed)
        #expect(text.features == block(6..<20))
        #expect(text.tokens == tokens(6..<20))
        #expect(text.given == 4 && text.learned == 3..<13)
        let again = collector.close(1)
        #expect(collector.byteCount == 0 && again == nil)
    }

    @Test("begin anew behind a gap, and know what of the rest the target was given")
    func gap() throws {
        var collector = collector()
        collector.open(1, base: tokens(0..<10))
        collector.commit(tokens(10..<40), of: 1)
        collector.take(block(0..<12), of: 1)
        collector.take(block(15..<30), of: 1)
        collector.take(block(20..<33), of: 1)
        let closed = collector.close(1)
        let text = try #require(closed)
        #expect(text.features == block(15..<33) && text.tokens == tokens(15..<34))
        #expect(text.given == 0 && text.learned == 0..<18)
    }

    @Test("are nothing without features, with few tokens, or with the features of others")
    func nothing() {
        var collector = collector()
        collector.commit(tokens(0..<9), of: 7)
        collector.take(block(0..<9), of: 7)
        for (id, features) in [nil, block(0..<15), block(0..<40, taps: [.lastOutput])].enumerated() {
            collector.open(id, base: tokens(0..<10))
            collector.commit(tokens(10..<(id == 1 ? 15 : 40)), of: id)
            if let features { collector.take(features, of: id) }
            let text = collector.close(id)
            #expect(text == nil)
        }
    }

    @Test("end where there is no room for more, and leave room when they are over")
    func bounds() throws {
        var collector = collector { ($0.rows, $0.bytes) = (16, 30 * 4) }
        for id in 0..<2 {
            collector.open(id, base: tokens(0..<4))
            collector.commit(tokens(4..<60), of: id)
            for start in stride(from: 0, to: 50, by: 5) { collector.take(block(start..<start + 5), of: id) }
        }
        #expect(collector.byteCount == 30 * 4)
        let (first, second) = (collector.close(0), collector.close(1))
        #expect(first?.features == block(0..<20) && second?.features == block(0..<10))
        #expect(collector.byteCount == 0)
    }

    @Test("become examples piece by piece, in which only the target's own tokens are to be learned")
    func examples() throws {
        let text = ServedText(tokens: tokens(0..<21), features: block(0..<20), given: 6)
        #expect(text.learned == 5..<20)
        #expect(text.pieces(of: 6) == [5..<11, 11..<17, 17..<20])
        let example = text.sequence(learning: 11..<17, context: 3)
        #expect(example.tokens == (108..<117).map { $0 } && example.features.rows == 9)
        #expect(example.features.values == (8..<17).flatMap { [Float($0), Float($0)] })
        #expect(example.top.map(\.count) == [0, 0, 0, 1, 1, 1, 1, 1, 1])
        #expect(example.top[3].first?.token == 112 && example.top[3].first?.logProbability == 0)
    }

    // MARK: Stores

    private func text(_ rows: Int, first: Int = 0) -> ServedText {
        ServedText(tokens: tokens(first..<first + rows + 1), features: block(first..<first + rows), given: 1)
    }

    @Test("every so manieth is kept to measure with, and never learned from")
    func heldOut() {
        var store = TextStore(heldOutEvery: 4)
        let texts = (0..<10).map { text(10, first: $0) }
        texts.forEach { store.add($0) }
        #expect(store.heldOut == [texts[3], texts[7]] && store.training.count == 8)
        #expect(store.received == 80 && store.trainingRows == 80 && store.heldOutRows == 20)
        #expect(!store.training.contains(texts[3]))
    }

    @Test("never take more memory than they may, and the oldest are forgotten first")
    func forgetting() {
        let size = text(10).byteCount
        var store = TextStore(byteLimit: 8 * size, heldOutEvery: 2)
        for first in 0..<40 {
            store.add(text(10, first: first))
            #expect(store.byteCount <= store.byteLimit)
        }
        #expect(store.training == [28, 30, 32, 34, 36, 38].map { text(10, first: $0) })
        #expect(store.heldOut == [37, 39].map { text(10, first: $0) })
        #expect(store.received == 200)
        store.add(text(200))
        #expect(store.training.isEmpty && store.heldOut.count == 2)
    }
}
