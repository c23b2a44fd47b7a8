import PacelineSpeculation
import Testing

@testable import PacelineGateway

@Suite struct AffinityTests {
    @Test func onlySoManyBeginningsAreRememberedAndTheOldestAreForgotten() {
        var affinity = PrefixAffinity(limit: 3)
        let (first, second) = (GatewayWorld.address(0), GatewayWorld.address(1))
        for prefix in 1...3 as ClosedRange<UInt64> { affinity.note(prefix, first) }
        affinity.note(2, second)
        affinity.note(4, second)
        #expect([1, 2, 3, 4].map { affinity[$0] } == [nil, second, first, second])
        affinity.drop(second)
        #expect([2, 3, 4].map { affinity[$0] } == [nil, first, nil])
        for prefix in 10...14 as ClosedRange<UInt64> { affinity.note(prefix, first) }
        #expect([3, 11, 12, 13, 14].map { affinity[$0] == nil } == [true, true, false, false, false])
    }

    @Test func textsShareTheNamesOfTheBeginningsThatTheyShare() {
        let common = [UInt8](repeating: 7, count: 600)
        let (one, other) = (
            PrefixHash.prefixes(of: common + [1], key: "k"), PrefixHash.prefixes(of: common + common, key: "k")
        )
        #expect(one.count == 3 && other.count == 4 && Array(other.prefix(3)) == one)
        #expect(Set(PrefixHash.prefixes(of: common, key: "l")).isDisjoint(with: one))
        #expect(PrefixHash.prefixes(of: common.prefix(127), key: "k").isEmpty)
    }

    @Test(arguments: 0..<50) func aPatternIsFoundWhereAPlainSearchFindsIt(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let pattern = BytePattern("abab")
        for _ in 0..<200 {
            let text = (0..<random.next(below: 20)).map { _ in UInt8(97 + random.next(below: 2)) }
            let start = random.next(below: 4)
            let plain = (start..<max(start, text.count)).first { text[$0...].starts(with: Array("abab".utf8)) }
            #expect(text.withUnsafeBytes { pattern.first(in: $0, from: start) } == plain)
        }
    }
}
