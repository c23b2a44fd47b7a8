import PacelineSpeculation

extension MeasuredCosts {
    /// What the built-in curve was measured with.
    package static var standardName: String {
        "qwen2.5-coder-1.5b Q4_K_M, 2 threads, AVX-512 VNNI"
    }

    /// The built-in curve: what `bench engine` prints under `verify_ms` on a quiet machine with two cores.
    package static func standard() throws -> MeasuredCosts {
        try MeasuredCosts(
            name: standardName,
            figures: ["1": 23.7, "2": 23.6, "4": 24.2, "8": 32.6, "16": 59.3, "32": 122.8]
        )
    }
}
