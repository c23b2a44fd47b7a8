import Testing

@testable import PacelineCluster

@Suite("The log of refused connections")
struct RefusalLogTests {
    @Test("has a line for each while they are few, and the count of the rest in a flood")
    func flood() {
        var log = RefusalLog()
        for second in 0..<60 {
            let (isLogged, unlogged) = log.refused(now: .zero + .seconds(second))
            #expect(isLogged && unlogged == 0)
        }
        var lines = 0
        var counted = 0
        let flood = 100_000
        for index in 0..<flood {
            let (isLogged, unlogged) = log.refused(now: .zero + .seconds(60) + .microseconds(100 * index))
            if isLogged { lines += 1 }
            counted += unlogged
        }
        // Ten seconds.
        #expect(lines > 100 && lines < 200, "\(lines) lines")
        let (isLogged, rest) = log.refused(now: .zero + .seconds(3600))
        #expect(isLogged && lines + counted + rest == flood)
    }
}
