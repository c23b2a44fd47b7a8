import CPacelineKernels

/// The library that multiplies float32 weights. It is loaded at run time, after its core type has been chosen.
package enum OpenBLAS {
    /// Loads the library, once; later calls return what the first one found.
    ///
    /// It sets environment variables, which is not safe while another thread reads the environment: call it early,
    /// before other threads run.
    package static func load() throws(OpenBLASError) {
        guard pl_blas_load() == 0 else { throw OpenBLASError(description: String(cString: pl_blas_error())) }
    }

    /// The core type that the library chose for this CPU, such as "SkylakeX"; nil before it is loaded.
    package static var core: String? {
        let core = String(cString: pl_blas_core())
        return core.isEmpty ? nil : core
    }
}

/// OpenBLAS could not be loaded: which library, why, and what to install.
package struct OpenBLASError: Error, CustomStringConvertible {
    package let description: String
}
