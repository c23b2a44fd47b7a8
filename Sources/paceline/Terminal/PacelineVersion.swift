import CPacelineBuild
import PacelineTensor
import PacelineWire

/// What this program is, for `--version`.
enum PacelineVersion {
    static let current = "0.1.0"

    /// The commit that was built; nil if nobody named it to the build.
    static var commit: String? {
        let commit = String(cString: pl_build_commit())
        return commit.isEmpty ? nil : commit
    }

    /// The version, and what decides whether two programs work together and give the same tokens.
    static var text: String {
        let versions = WireLimits.protocolVersions
        return """
            paceline \(current)
            commit: \(commit ?? "unknown")
            versions of the draft link: \(versions.map { "\($0)" }.joined(separator: ", "))
            definition of the kernels: \(KernelDefinition.version)
            """
    }
}
