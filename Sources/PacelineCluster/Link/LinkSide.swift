import PacelineSpeculation
package import PacelineWire

/// Which end of the link this is, and how it introduces itself in the handshake.
package enum LinkSide: Sendable {
    case worker(Message.Hello)
    case verifier(VerifierIdentity)

    var isWorker: Bool {
        if case .worker = self { true } else { false }
    }
}

/// How a verifier introduces itself to every worker.
package struct VerifierIdentity: Sendable {
    /// Shown to people.
    package var name: String
    /// Random id of this process life, never 0.
    package var incarnation: UInt64
    /// The target model's.
    package var fingerprint: ModelFingerprint
    package var limits: LinkLimits
    package var versions: ClosedRange<Int>
    /// How many layers the target has; nil if it tells nobody of its features.
    package var featureLayers: Int?

    package init(
        name: String,
        incarnation: UInt64,
        fingerprint: ModelFingerprint,
        limits: LinkLimits = .maximum,
        versions: ClosedRange<Int> = WireLimits.protocolVersions,
        featureLayers: Int? = nil
    ) {
        self.name = name
        self.incarnation = incarnation
        self.fingerprint = fingerprint
        self.limits = limits
        self.versions = versions
        self.featureLayers = featureLayers
    }

    /// Whether the target has all features that a worker reads.
    func serves(_ demand: FeatureDemand) -> Bool {
        guard let featureLayers else { return false }
        return demand.taps.allSatisfy { tap in
            if case .input(let layer) = tap { layer < featureLayers } else { true }
        }
    }
}
