import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The fair queue")
struct FairQueueTests {
    private static let tenants = ["a", "b", "c"].map(Tenant.init)

    @Test("lets tenants take turns, each with its oldest element")
    func turns() {
        var queue = FairQueue<String>()
        for (element, tenant) in [("a1", 0), ("a2", 0), ("a3", 0), ("b1", 1), ("b2", 1), ("c1", 2)] {
            queue.append(element, of: Self.tenants[tenant])
        }
        #expect(queue.count == 6)
        #expect(queue.count(of: Self.tenants[0]) == 3)
        #expect(queue.next == "a1")
        #expect(queue.removeAll() == ["a1", "b1", "c1", "a2", "b2", "a3"])
        #expect(queue.isEmpty && queue.next == nil && queue.removeNext() == nil)
    }

    @Test("lets the first of a tenant wait for one element of a longer line at most, whenever it comes")
    func latecomer() {
        for taken in 0..<20 {
            var queue = FairQueue<Int>()
            for index in 0..<100 { queue.append(index, of: Self.tenants[0]) }
            for _ in 0..<taken { _ = queue.removeNext() }
            queue.append(-1, of: Self.tenants[1])
            #expect([queue.removeNext(), queue.removeNext()].contains(-1))
        }
    }

    @Test("gives up an element before its turn, and a tenant without elements has no turn")
    func removal() {
        var queue = FairQueue<Int>()
        for index in 0..<6 { queue.append(index, of: Self.tenants[index % 3]) }
        #expect(queue.remove { $0 == 1 } == 1)
        #expect(queue.remove { $0 == 4 } == 4)
        #expect(queue.remove { $0 == 4 } == nil)
        #expect(queue.count == 4 && queue.count(of: Self.tenants[1]) == 0)
        #expect(queue.removeAll() == [0, 2, 3, 5])
    }

    @Test("holds, per tenant, the order in which elements came, whatever happens between", arguments: 0..<20)
    func random(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = FairQueue<(tenant: Int, number: Int)>()
        var waiting: [[Int]] = [[], [], []]
        for number in 0..<200 {
            let tenant = random.next(below: 3)
            switch random.next(below: 3) {
            case 0, 1:
                queue.append((tenant, number), of: Self.tenants[tenant])
                waiting[tenant].append(number)
            default:
                guard let taken = queue.removeNext() else { continue }
                #expect(waiting[taken.tenant].removeFirst() == taken.number)
            }
            #expect(queue.count == waiting.reduce(0) { $0 + $1.count })
            for tenant in 0..<3 { #expect(queue.count(of: Self.tenants[tenant]) == waiting[tenant].count) }
        }
    }
}
