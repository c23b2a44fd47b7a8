import PacelineMetrics
import Testing

@Suite("A histogram")
struct HistogramTests {
    @Test("counts a value in the first bucket whose bound is not below it")
    func buckets() {
        let bounds: Histogram.Bounds = [1, 2, 5]
        for (value, bucket) in [(-1.0, 0), (0, 0), (1, 0), (1.1, 1), (2, 1), (5, 2), (5.1, 3), (1e300, 3)] {
            var histogram = Histogram(bounds)
            histogram.record(value)
            #expect(histogram.counts.firstIndex(of: 1) == bucket, "\(value)")
            #expect(histogram.count == 1)
            #expect(histogram.sum == value)
        }
    }

    @Test("agrees with a linear search over any bounds")
    func search() {
        for size in 0...9 {
            let bounds = Histogram.Bounds((0..<size).map { Double($0 * 2) })
            for half in -2...40 {
                let value = Double(half) / 2
                var histogram = Histogram(bounds)
                histogram.record(value)
                let expected = bounds.values.firstIndex { value <= $0 } ?? size
                #expect(histogram.counts.firstIndex(of: 1) == expected)
            }
        }
    }

    @Test("leaves out what is not finite")
    func notFinite() {
        var histogram = Histogram([1])
        for value in [Double.nan, .infinity, -.infinity] { histogram.record(value) }
        #expect(histogram == Histogram([1]))
    }

    @Test("sorts its bounds and keeps each finite one once")
    func bounds() {
        #expect(Histogram.Bounds([2, .infinity, 1, 2, .nan]).values == [1, 2])
        #expect(Histogram.Bounds.oneTwoFive(upTo: 100).values == [1, 2, 5, 10, 20, 50, 100])
        #expect(Histogram.Bounds.oneTwoFive(upTo: 8192).values.last == 5000)
        #expect(Histogram.Bounds.oneTwoFive(upTo: 0).values.isEmpty)
    }
}
