import PacelineSpeculation

extension MeasuredCosts {
    /// What the built-in curve was measured with.
    package static var standardName: String {
        "qwen2.5-coder-1.5b Q4_K_M, 2 threads, AVX-512 VNNI"
    }

    /// The built-in curve: the least figures of five runs of `bench engine` on a busy machine, noise included.
    package static func standard() throws -> MeasuredCosts {
        try MeasuredCosts(
            name: standardName,
            figures: ["1": 36.4, "2": 58.8, "4": 50.9, "8": 127, "16": 393, "32": 688, "64": 1252]
        )
    }
}
