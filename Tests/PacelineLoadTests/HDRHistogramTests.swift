import Foundation
import PacelineLoad
import Testing

/// Another implementation of HdrHistogram gives the same numbers and the same text (Goldens/make.py).
@Suite("HDR histograms")
struct HDRHistogramTests {
    struct Golden: Decodable, Sendable {
        var lowest: Int
        var highest: Int
        var digits: Int
        var values: [[Int]]
        var total: Int
        var minimum: Int
        var maximum: Int
        var mean: Double
        var deviation: Double
        var percentiles: [[Double]]
        var counts: [[Int]]
        var text: String

        var layout: HDRHistogram.Layout {
            HDRHistogram.Layout(lowest: lowest, highest: highest, significantDigits: digits)
        }
    }

    static func goldens() throws -> [Golden] {
        let file = try #require(Bundle.module.url(forResource: "histograms", withExtension: "json"))
        return try JSONDecoder().decode([Golden].self, from: Data(contentsOf: file))
    }

    private func histogram(_ golden: Golden, _ values: some Sequence<[Int]>) -> HDRHistogram {
        var histogram = HDRHistogram(golden.layout)
        for value in values {
            let isRecorded = histogram.record(value[0], count: value[1])
            #expect(isRecorded)
        }
        return histogram
    }

    private func isNear(_ value: Double, _ other: Double) -> Bool {
        abs(value - other) <= 1e-9 * max(1, abs(other))
    }

    @Test func statisticsAreThoseOfAnotherImplementation() throws {
        for golden in try Self.goldens() {
            let histogram = histogram(golden, golden.values)
            #expect(histogram.totalCount == golden.total)
            #expect(histogram.minimum == golden.minimum)
            #expect(histogram.maximum == golden.maximum)
            #expect(isNear(histogram.mean, golden.mean))
            #expect(isNear(histogram.standardDeviation, golden.deviation))
            for pair in golden.percentiles {
                #expect(histogram.value(atPercentile: pair[0]) == Int(pair[1]), "\(pair[0]) %")
            }
            for pair in golden.counts { #expect(histogram.count(at: pair[0]) == pair[1]) }
        }
    }

    @Test func theTextIsThatOfAnotherImplementation() throws {
        for golden in try Self.goldens() {
            #expect(histogram(golden, golden.values).distribution() == golden.text)
        }
    }

    @Test func mergedPartsAreTheWhole() throws {
        for golden in try Self.goldens() {
            let half = golden.values.count / 2
            var merged = histogram(golden, golden.values[..<half])
            let isMerged = merged.merge(histogram(golden, golden.values[half...]))
            #expect(isMerged && merged == histogram(golden, golden.values))
        }
    }

    @Test func mergingAcrossLayoutsKeepsValuesWithinTheirDigits() {
        var fine = HDRHistogram(.init(lowest: 1, highest: 1 << 30, significantDigits: 4))
        for value in stride(from: 1, to: 1_000_000, by: 777) { fine.record(value) }
        var coarse = HDRHistogram(.init(lowest: 1, highest: 1 << 30, significantDigits: 2))
        let isMerged = coarse.merge(fine)
        #expect(isMerged && coarse.totalCount == fine.totalCount)
        for share in [1.0, 50, 90, 99, 100] {
            let (value, other) = (coarse.value(atPercentile: share), fine.value(atPercentile: share))
            #expect(abs(value - other) * 100 <= other + 100)
        }
    }

    @Test func aHistogramThatDoesNotFitIsNotMerged() {
        var small = HDRHistogram(.init(lowest: 1, highest: 100, significantDigits: 1))
        small.record(5)
        var large = HDRHistogram(.init(lowest: 1, highest: 1 << 40, significantDigits: 1))
        large.record(1 << 39)
        let before = small
        let isMerged = small.merge(large)
        #expect(!isMerged && small == before)
    }

    @Test func everyValueIsKeptToItsDigits() {
        for digits in 1...5 {
            let layout = HDRHistogram.Layout(lowest: 1, highest: 1 << 40, significantDigits: digits)
            let bound = (0..<digits).reduce(1) { value, _ in value * 10 }
            for power in 0..<40 {
                for value in [1 << power, (1 << power) + 1, (1 << power) * 3 / 2] {
                    let width = layout.highestEquivalent(value) - layout.lowestEquivalent(value)
                    #expect(layout.lowestEquivalent(value) <= value && value <= layout.highestEquivalent(value))
                    #expect(width * bound <= value, "\(value) with \(digits) digits")
                }
            }
        }
    }

    @Test func whatHasNoSlotIsRefusedAndChangesNothing() {
        var histogram = HDRHistogram(.init(lowest: 1, highest: 1000, significantDigits: 3))
        let refused = [-1, .min, .max].map { histogram.record($0) }
        #expect(refused == [false, false, false])
        #expect(histogram == HDRHistogram(histogram.layout))
        let isRecorded = histogram.record(1000)
        #expect(isRecorded && histogram.totalCount == 1)
    }

    @Test func textIsInTheUnitsAskedFor() {
        var histogram = HDRHistogram(LoadFigures.layout)
        for value in [1000, 1500, 2000] { histogram.record(value) }
        let text = histogram.distribution(scale: 1000)
        #expect(text.contains("#[Mean    =        1.500, StdDeviation   =        0.408]"))
        #expect(text.contains("#[Max     =        2.000, Total count    =            3]"))
    }
}
