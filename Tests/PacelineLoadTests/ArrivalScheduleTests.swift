import PacelineLoad
import PacelineSpeculation
import Testing

@Suite("Schedules of open loops")
struct ArrivalScheduleTests {
    private func seconds(_ schedule: ArrivalSchedule, _ count: Int) -> [Double] {
        schedule.prefix(count).map { $0.inMilliseconds / 1000 }
    }

    @Test func constantArrivalsAreEquallyFarApartAndDoNotDrift() {
        let times = seconds(ArrivalSchedule(.constant, rate: 7, seed: 1), 70_001)
        #expect(times[0] == 0)
        #expect(abs(times[70_000] - 10_000) < 1e-6)
        #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - 1.0 / 7) < 1e-6 })
    }

    /// Independent arrivals have exponential gaps: their mean and deviation are equal, and 1/e are longer than that.
    @Test func poissonArrivalsHaveExponentialGaps() {
        let times = seconds(ArrivalSchedule(.poisson, rate: 20, seed: 3), 200_000)
        let gaps = zip([0] + times, times).map { $1 - $0 }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(gaps.count)
        let longer = Double(gaps.count { $0 > 0.05 }) / Double(gaps.count)
        #expect(abs(mean - 0.05) < 0.0005)
        #expect(abs(variance.squareRoot() - 0.05) < 0.001)
        #expect(abs(longer - 0.36788) < 0.004)
        #expect(gaps.allSatisfy { $0 >= 0 })
    }

    @Test func theSeedAloneChoosesTheTimes() {
        let first = seconds(ArrivalSchedule(.poisson, rate: 5, seed: 9), 1000)
        #expect(first == seconds(ArrivalSchedule(.poisson, rate: 5, seed: 9), 1000))
        #expect(first != seconds(ArrivalSchedule(.poisson, rate: 5, seed: 10), 1000))
    }
}
