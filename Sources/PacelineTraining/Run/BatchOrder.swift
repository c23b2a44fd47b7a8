import PacelineSpeculation

/// Which sequences make which batch: each epoch has all of them once, in an order that depends on seed and epoch alone.
package struct BatchOrder: Equatable, Sendable {
    /// The number of tokens by sequence.
    package let lengths: [Int]
    /// A batch takes sequences until it has as many tokens.
    package let tokensPerBatch: Int
    package let seed: UInt64
    private var epoch: Int
    private var waiting: ArraySlice<[Int]>

    /// - Parameters:
    ///   - lengths: not empty.
    ///   - step: how many batches have been used already.
    package init(lengths: [Int], tokensPerBatch: Int, seed: UInt64, afterStep step: Int = 0) {
        precondition(!lengths.isEmpty, "there are no sequences")
        (self.lengths, self.tokensPerBatch, self.seed) = (lengths, tokensPerBatch, seed)
        (epoch, waiting) = (0, [])
        for _ in 0..<step { _ = next() }
    }

    /// The sequences of the next batch, at least one.
    package mutating func next() -> [Int] {
        if let batch = waiting.popFirst() { return batch }
        waiting = batches(epoch: epoch)[...]
        epoch += 1
        return waiting.removeFirst()
    }

    /// All batches of an epoch.
    package func batches(epoch: Int) -> [[Int]] {
        var (batches, batch, tokens) = ([[Int]](), [Int](), 0)
        for index in order(epoch: epoch) {
            batch.append(index)
            tokens += lengths[index]
            guard tokens >= tokensPerBatch else { continue }
            batches.append(batch)
            (batch, tokens) = ([], 0)
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }

    /// All sequences, shuffled (Fisher, Yates).
    private func order(epoch: Int) -> [Int] {
        var generator = SplitMix(seed: SplitMix.mixed(seed, epoch))
        var order = Array(lengths.indices)
        for last in stride(from: order.count - 1, to: 0, by: -1) {
            order.swapAt(last, generator.next(below: last + 1))
        }
        return order
    }
}

extension SplitMix {
    /// A seed for one of many streams.
    static func mixed(_ seed: UInt64, _ stream: Int) -> UInt64 {
        var generator = SplitMix(seed: seed)
        let first = generator.next()
        generator = SplitMix(seed: first &+ UInt64(truncatingIfNeeded: stream))
        return generator.next()
    }
}
