package import PacelineCluster
import PacelineGateway
import PacelineModel
package import PacelineSpeculation
import PacelineWire

/// The processes, requests, network and faults of a simulation.
package struct Scenario: Sendable {
    package struct Worker: Sendable {
        package var drafter: DrafterKind
        /// Of one draft step.
        package var stepMilliseconds: Double
        package var slots = 8
        package var start = Duration.zero
        /// Those that it drafts for, by their index; nil for all.
        package var verifiers: [Int]?
        /// Protocol versions that it speaks.
        var versions = WireLimits.protocolVersions
        /// Whether its tokens mean something else than the target's, so that no verifier takes it.
        var isForeign = false
        /// The factor by which an occasional step is slower.
        package var straggling = 1.0

        package init(drafter: DrafterKind, stepMilliseconds: Double) {
            self.drafter = drafter
            self.stepMilliseconds = stepMilliseconds
        }
    }

    package struct Request: Sendable {
        package var prompt: [Token]
        /// Identifies the request: no two requests of a scenario share it.
        package var seed: UInt64
        package var maximumTokens: Int
        package var stopTokens: Set<Token> = []
        /// Tokens that come before any stop token.
        package var minimumTokens = 0
        /// Drafted nodes of one round at most; nil for no limit.
        package var draftLimit: Int?
        package var logProbabilities: LogProbabilityRequest?
        /// What the client expects.
        package var prediction: [Token] = []
        package var tenant = Tenant.anonymous
        package var cacheSalt: String?
        /// Tokens that the client has from an earlier verifier when it first asks.
        package var generated = 0
        /// Whether the client goes on behind what it has when its verifier dies, instead of asking again.
        package var goesOn = false
        package var start = Duration.zero
        /// When the client goes away, after its start.
        package var cancel: Duration?
        /// Tokens after which the client stops reading; nil reads all.
        package var readLimit: Int?
        /// The round in which the engine fails the request; nil for none.
        package var failingRound: Int?
        /// The verifier that it asks; nil for the one whose turn it is.
        package var verifier: Int?
        /// What it wants of its stream, if it asks a gateway.
        var stream = StreamWishes()

        package init(prompt: [Token], seed: UInt64, maximumTokens: Int) {
            self.prompt = prompt
            self.seed = seed
            self.maximumTokens = maximumTokens
        }
    }

    /// How a client of a gateway wants its answer to be.
    struct StreamWishes: Sendable {
        /// Whether it is a request for chat, whose messages spell the prompt; otherwise for completions.
        var isChat = false
        /// Whether the answer comes as it is generated; otherwise in one piece.
        var isStreamed = true
        /// Texts for the prompt.
        var choices = 1
        var showsTokens = true
        var showsUsage = false
        /// Whether the text begins with the prompt.
        var echoes = false
        /// Whether the request names its seed, or leaves it to the gateway.
        var statesSeed = true
        /// Seconds of silence in the stream at most; nil for the gateway's own limit.
        var pingInterval: Double?
        /// How long it does not read once it stops reading.
        var readPause = Duration.zero
    }

    package struct Network: Sendable {
        /// One way.
        package var latency = Duration.microseconds(100)
        /// The most that is added at random.
        package var jitter = Duration.microseconds(50)
        /// Of one direction of one connection; nil if unlimited.
        package var bytesPerSecond: Double?
        /// The largest piece in which bytes arrive.
        package var sliceBytes = 16384
        /// Bytes of one direction that may be sent before the receiver has taken them.
        package var windowBytes = 65536

        package init() {}
    }

    /// A fault that strikes at a certain moment.
    struct Strike: Sendable {
        var kind: FaultKind
        var at: Duration
    }

    package var seed: UInt64
    package var verifiers = 1
    package var verifier = VerifierConfiguration()
    /// The protocol versions of the verifiers, in turns: the next life of a verifier has the next.
    var verifierVersions = [WireLimits.protocolVersions]
    package var link = LinkConfiguration()
    package var costs: CostCurve
    /// Tokens that a verifier's open sequences may hold together.
    package var cacheCapacity = 1 << 16
    /// Layers of the target whose features workers may read; nil for an engine that gives none.
    var featureLayers: Int? = MockFeatures.layers
    /// How long a pass may wait for drafts, whatever happens to workers.
    var waitLimit = Duration.milliseconds(50)
    /// How much a pass's time varies, as a share.
    package var passJitter = 0.05
    /// The share by which each worker that drafts at the start of a pass slows it down, as on the verifier's machine.
    package var contention = 0.0
    /// Whether the engine shares the pages of common prompt prefixes.
    package var reusesPages = false
    /// Whether every token names the request whose text it belongs to.
    package var isTagged = false
    /// Processes in front of the verifiers; without any, clients ask the verifiers themselves.
    package var gateways = 0
    /// Whether gateways know every verifier by two addresses, to which different ways lead.
    var hasTwoAddresses = false
    var gateway = GatewayConfiguration()
    package var workers: [Worker] = []
    package var requests: [Request] = []
    package var network = Network()
    /// Workers that break the protocol on purpose.
    package var byzantineWorkers = 0
    var strikes: [Strike] = []
    /// Kinds that are active in this scenario.
    package var faults: Set<FaultKind> = []
    /// When everything heals.
    package var faultWindow = Duration.zero

    /// Whether every drafted node has the tag of its place in the text.
    var areAllNodesTagged: Bool {
        isTagged && byzantineWorkers == 0 && workers.allSatisfy(\.drafter.isTagged)
    }

    /// Who may share what is computed for a request.
    func scope(of request: Request) -> PrefixScope {
        let owner = verifier.sharesPrefixesBetweenTenants ? nil : request.tenant.rawValue
        return PrefixScope(owner: owner, salt: request.cacheSalt)
    }

    /// A scenario without processes, requests and faults.
    package init(seed: UInt64, costs: CostCurve) {
        self.seed = seed
        self.costs = costs
    }
}
