import CPacelineKernels

/// How keys and values are stored.
///
/// It is part of a model's numbers: tokens depend on it as they depend on the type of the weights.
package enum KVType: String, Sendable, CaseIterable {
    /// 16-bit floats: float32 arithmetic.
    case f16
    /// 8-bit integers with scales, about half the memory of ``f16``: integer arithmetic.
    ///
    /// It costs accuracy, and some models far more than others: `Tests/Measurements/README.md` has figures.
    case int8

    var raw: pl_kv_type {
        switch self {
        case .f16: PL_KV_F16
        case .int8: PL_KV_INT8
        }
    }
}
