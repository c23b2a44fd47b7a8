package import PacelineSpeculation

extension Message {
    package enum Role: UInt32, Sendable {
        case worker = 1
        case verifier = 2
    }

    /// The first frame of a connection, sent by the side that connected.
    package struct Hello: Sendable, Equatable {
        package var versions: ClosedRange<Int>
        package var role: Role
        /// For people; not unique.
        package var name: String
        /// Random id of this process life, never 0.
        package var incarnation: UInt64
        /// `nil` for a model-free drafter, which works with any tokenizer.
        package var fingerprint: ModelFingerprint?
        package var capabilities: LinkCapabilities
        /// How many requests the worker drafts for at once.
        package var slots: Int
        /// The longest base plus tree that the drafter can hold, in tokens; `nil`: no bound.
        package var contextLength: Int?
        /// 32 random bytes if the sender has a shared token, else empty.
        package var nonce: [UInt8]
        /// Which features of the target the worker reads; means nothing without ``LinkCapabilities/features``.
        package var features: FeatureDemand?

        package init(
            versions: ClosedRange<Int> = WireLimits.protocolVersions,
            role: Role = .worker,
            name: String,
            incarnation: UInt64,
            fingerprint: ModelFingerprint?,
            capabilities: LinkCapabilities,
            slots: Int,
            contextLength: Int? = nil,
            nonce: [UInt8] = [],
            features: FeatureDemand? = nil
        ) {
            self.versions = versions
            self.role = role
            self.name = name
            self.incarnation = incarnation
            self.fingerprint = fingerprint
            self.capabilities = capabilities
            self.slots = slots
            self.contextLength = contextLength
            self.nonce = nonce
            self.features = features
        }
    }

    /// The verifier, which has a shared token too, asks the worker to prove that it knows the token.
    package struct Challenge: Sendable, Equatable {
        /// The version chosen from the range in `Hello`.
        package var version: Int
        /// 32 random bytes.
        package var nonce: [UInt8]

        package init(version: Int, nonce: [UInt8]) {
            self.version = version
            self.nonce = nonce
        }
    }

    /// The worker's proof that it knows the shared token.
    package struct Authenticate: Sendable, Equatable {
        /// 32 bytes.
        package var proof: [UInt8]

        package init(proof: [UInt8]) {
            self.proof = proof
        }
    }

    /// The end of the handshake: the connection is now established for both sides.
    package struct Welcome: Sendable, Equatable {
        package var version: Int
        /// For people; not unique.
        package var name: String
        /// Random id of this process life, never 0.
        package var incarnation: UInt64
        /// The target's.
        package var fingerprint: ModelFingerprint
        /// The capabilities from `Hello` that the verifier will use.
        package var capabilities: LinkCapabilities
        /// Each side sends a `Ping` this often.
        package var heartbeatMilliseconds: Int
        /// How long a peer may stay silent before it counts as dead.
        package var deadAfterMilliseconds: Int
        package var limits: LinkLimits
        /// 32 bytes after a `Challenge`, else empty.
        package var proof: [UInt8]

        package init(
            version: Int,
            name: String,
            incarnation: UInt64,
            fingerprint: ModelFingerprint,
            capabilities: LinkCapabilities,
            heartbeatMilliseconds: Int = 250,
            deadAfterMilliseconds: Int = 1000,
            limits: LinkLimits = .maximum,
            proof: [UInt8] = []
        ) {
            self.version = version
            self.name = name
            self.incarnation = incarnation
            self.fingerprint = fingerprint
            self.capabilities = capabilities
            self.heartbeatMilliseconds = heartbeatMilliseconds
            self.deadAfterMilliseconds = deadAfterMilliseconds
            self.limits = limits
            self.proof = proof
        }
    }
}
