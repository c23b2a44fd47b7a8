/// Which bits the kernels compute.
package enum KernelDefinition {
    /// Rises with every change of a scalar twin that changes a bit of some result. Two programs with the same number
    /// give the same tokens with quantised weights, whatever CPUs they run on.
    package static let version = 1
}
