import CPacelineKernels

/// The logits of one position while a sampler works on them: `count` float32, one per vocabulary entry.
///
/// A scratch buffer with reference semantics; one thread owns it at a time. Every operation has defined bits.
package final class LogitRow {
    private let storage: FloatMatrix
    private let isa: InstructionSet
    private var indices: [Int32] = []

    package init(count: Int, isa: InstructionSet = .best) {
        storage = FloatMatrix(rows: 1, columns: count)
        self.isa = isa
    }

    package var count: Int { storage.columns }

    package subscript(index: Int) -> Float {
        get { storage[0, index] }
        set { storage[0, index] = newValue }
    }

    /// The logit of a token that must not be chosen: finite, but below every other logit even with noise.
    package static let masked = -Float.greatestFiniteMagnitude

    /// Masks all entries below `prefix` but those of a set.
    ///
    /// - Parameter words: entry i is in the set if bit i % 64 of word i / 64 is set.
    /// - Returns: whether an entry is left that was not masked before.
    package func restrict(to words: [UInt64], prefix: Int) -> Bool {
        let row = UnsafeMutableBufferPointer(start: storage.base, count: count)
        var isAnyLeft = false
        for place in 0..<(prefix + 63) / 64 {
            let word = place < words.count ? words[place] : 0
            let range = place * 64..<min(place * 64 + 64, prefix)
            if word == .max {
                isAnyLeft = isAnyLeft || range.contains { row[$0] > Self.masked }
                continue
            }
            for index in range {
                if word >> UInt64(index & 63) & 1 == 0 {
                    row[index] = Self.masked
                } else if row[index] > Self.masked {
                    isAnyLeft = true
                }
            }
        }
        return isAnyLeft
    }

    /// Copies row `row` of `logits`, which has `count` columns.
    package func load(_ logits: FloatMatrix, row: Int) {
        storage.copyRow(0, from: logits, row: row)
    }

    /// The first entry that is not a finite number; nil if all are.
    package var firstNotFinite: Int? { storage.firstNotFinite(row: 0) }

    /// Divides every logit by `divisor`. Finite logits stay finite.
    package func divide(by divisor: Float) {
        pl_divide(storage.base, divisor, Int64(count))
    }

    /// The largest logit and its index; the lowest index wins a tie.
    package func largest() -> (index: Int, value: Float) {
        largest(of: storage, row: 0)
    }

    /// The same for a row of other logits, as if it had been loaded.
    package func largest(of logits: FloatMatrix, row: Int) -> (index: Int, value: Float) {
        precondition(logits.columns == count, "rows of different length")
        var value: Float = 0
        let index = pl_argmax(isa.raw, logits.pointer(row), Int64(count), &value)
        return (Int(index), value)
    }

    /// Σ exp(logit − shift) over all entries.
    package func sumOfExponentials(shift: Float) -> Double {
        pl_sum_exp(isa.raw, storage.base, shift, Int64(count))
    }

    /// The indices with a logit of at least `threshold`, ascending.
    package func indices(atLeast threshold: Float) -> ArraySlice<Int32> {
        if indices.isEmpty { indices = [Int32](repeating: 0, count: count) }
        let found = pl_select_at_least(storage.base, Int64(count), threshold, &indices, Int64(count))
        return indices[0..<Int(found)]
    }

    /// Sets this row to `logits` plus the Gumbel noise of (seed, position).
    package func perturb(_ logits: LogitRow, seed: UInt64, position: Int) {
        precondition(logits.count == count, "rows of different length")
        pl_noise_perturb(
            isa.raw,
            seed,
            UInt64(position),
            logits.storage.base,
            storage.base,
            Int64(count)
        )
    }
}

/// Scalar functions whose bits are the same on every CPU.
package enum ExactMath {
    package static func exp(_ x: Float) -> Float { pl_expf(x) }
    package static func log(_ x: Float) -> Float { pl_logf(x) }

    /// Standard Gumbel noise of token `index` at absolute `position` of a request with `seed`.
    package static func gumbel(seed: UInt64, position: Int, index: Int) -> Float {
        pl_noise_gumbel(seed, UInt64(position), UInt32(index))
    }
}
