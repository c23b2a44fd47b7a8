import CPacelineKernels

/// Measures what this machine can do at most, through the same thread pool that a model uses.
package struct HardwareProbe {
    private let compute: Compute

    package init(compute: Compute) {
        self.compute = compute
    }

    /// Sequential bandwidths in GB/s (10⁹ bytes). `read` is of reading alone. `codes` is of reading 4-bit codes into
    /// dot products with one row, the least work that decoding can be. The second is lower where a core that computes
    /// has fewer reads in flight.
    ///
    /// Each is the median of `repeats` sweeps, taken in turn, over a buffer far larger than any cache. It is 0 if there
    /// is no memory for the buffer.
    package func bandwidths(bytes: Int = 1 << 29, repeats: Int = 5) -> (read: Double, codes: Double) {
        // On huge pages, as weights are.
        guard let buffer = pl_memory_allocate(bytes) else { return (0, 0) }
        defer { pl_memory_free(buffer, bytes) }
        buffer.initializeMemory(as: UInt8.self, repeating: 1, count: bytes)
        let sweeps = (0..<repeats).map { _ in
            (
                read: Self.seconds { _ = pl_probe_read(compute.isa.raw, compute.pool.raw, buffer, bytes) },
                codes: Self.seconds { _ = pl_probe_read_codes(compute.isa.raw, compute.pool.raw, buffer, bytes) }
            )
        }
        let rate = { (seconds: [Double]) in Double(bytes) / seconds.sorted()[repeats / 2] / 1e9 }
        return (rate(sweeps.map(\.read)), rate(sweeps.map(\.codes)))
    }

    /// int8 multiply-accumulates per second in registers, in units of 10⁹.
    package func int8Peak(repeats: Int = 5) -> Double {
        median(repeats) {
            var sink: UInt64 = 0
            var operations: UInt64 = 0
            let seconds = Self.seconds {
                operations = pl_probe_int8(compute.isa.raw, compute.pool.raw, 200_000, &sink)
            }
            return Double(operations) / seconds / 1e9
        }
    }

    /// float32 operations (two for a multiply-add) per second in registers, in units of 10⁹.
    package func floatPeak(repeats: Int = 5) -> Double {
        median(repeats) {
            var sink: UInt64 = 0
            var operations: UInt64 = 0
            let seconds = Self.seconds {
                operations = pl_probe_float(compute.isa.raw, compute.pool.raw, 200_000, &sink)
            }
            return 2 * Double(operations) / seconds / 1e9
        }
    }

    /// int8 multiply-accumulates per second, in units of 10⁹, that the kernel of `type` reaches with `rows` rows on a
    /// tile that stays in the caches. This bounds a pass that memory does not bound. 0 for types of plain floats.
    package func kernelCeiling(type: WeightType, rows: Int, repeats: Int = 5) -> Double {
        // About ten milliseconds: 16 items per thread, of about 10^8 multiply-accumulates each.
        let rounds = UInt64(max(1, 4_000 / max(1, rows)))
        return median(repeats) {
            var operations: UInt64 = 0
            let seconds = Self.seconds {
                operations = pl_probe_kernel(compute.isa.raw, compute.pool.raw, type.raw, Int64(rows), rounds)
            }
            return Double(operations) / seconds / 1e9
        }
    }

    private func median(_ repeats: Int, _ measure: () -> Double) -> Double {
        (0..<repeats).map { _ in measure() }.sorted()[repeats / 2]
    }

    private static func seconds(_ body: () -> Void) -> Double {
        let clock = ContinuousClock()
        let elapsed = clock.measure(body).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    }
}
