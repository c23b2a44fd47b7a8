import PacelineTraining
import Testing

@Suite("Order of batches")
struct BatchOrderTests {
    private let lengths = (0..<23).map { 5 + $0 * 7 % 13 }

    @Test("an epoch has every sequence once, in batches of enough tokens")
    func epochs() {
        let order = BatchOrder(lengths: lengths, tokensPerBatch: 30, seed: 1)
        for epoch in 0..<3 {
            let batches = order.batches(epoch: epoch)
            #expect(batches.flatMap { $0 }.sorted() == Array(0..<23))
            for batch in batches.dropLast() {
                #expect(batch.reduce(0) { $0 + lengths[$1] } >= 30)
                #expect(batch.dropLast().reduce(0) { $0 + lengths[$1] } < 30)
            }
        }
    }

    @Test("it depends on seed and epoch")
    func seeds() {
        let order = BatchOrder(lengths: lengths, tokensPerBatch: 30, seed: 1)
        #expect(order.batches(epoch: 0) == BatchOrder(lengths: lengths, tokensPerBatch: 30, seed: 1).batches(epoch: 0))
        #expect(order.batches(epoch: 0) != order.batches(epoch: 1))
        #expect(order.batches(epoch: 0) != BatchOrder(lengths: lengths, tokensPerBatch: 30, seed: 2).batches(epoch: 0))
    }

    @Test("it goes on after a number of steps as it would have without a stop")
    func resuming() {
        var whole = BatchOrder(lengths: lengths, tokensPerBatch: 30, seed: 1)
        for step in 0..<20 {
            var later = BatchOrder(lengths: lengths, tokensPerBatch: 30, seed: 1, afterStep: step)
            let expected = whole.next()
            #expect(later.next() == expected)
            #expect(later == whole)
        }
    }
}
