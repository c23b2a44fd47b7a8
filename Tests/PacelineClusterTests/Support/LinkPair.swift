import NIOCore
import PacelineSimulation
import PacelineSpeculation
import PacelineWire

@testable import PacelineCluster

/// Two ends of a link, joined by hand: what one writes is kept until the test passes it on.
struct LinkPair {
    enum End {
        case worker, verifier
    }

    var worker: LinkMachine
    var verifier: LinkMachine
    private(set) var effects: [End: [LinkMachine.Effect]] = [.worker: [], .verifier: []]
    private var wire: [End: ByteBuffer] = [.worker: ByteBuffer(), .verifier: ByteBuffer()]
    private var nonces: SplitMix
    var now = Instant.zero

    static let fingerprint = MockText.fingerprint(of: "target")

    static func hello(
        _ fingerprint: ModelFingerprint? = fingerprint,
        versions: ClosedRange<Int> = WireLimits.protocolVersions
    ) -> Message.Hello {
        Message.Hello(
            versions: versions,
            name: "worker",
            incarnation: 2,
            fingerprint: fingerprint,
            capabilities: [.deltas],
            slots: 4
        )
    }

    init(
        hello: Message.Hello = hello(),
        versions: ClosedRange<Int> = WireLimits.protocolVersions,
        target: ModelFingerprint = fingerprint,
        configuration: LinkConfiguration = LinkConfiguration(),
        tokens: (worker: String?, verifier: String?) = (nil, nil),
        nonceSeed: UInt64 = 1,
        featureLayers: Int? = nil
    ) {
        nonces = SplitMix(seed: nonceSeed)
        var configuration = configuration
        configuration.token = tokens.worker.map(Self.token)
        worker = LinkMachine(side: .worker(hello), configuration: configuration)
        configuration.token = tokens.verifier.map(Self.token)
        verifier = LinkMachine(
            side: .verifier(
                VerifierIdentity(
                    name: "verifier",
                    incarnation: 1,
                    fingerprint: target,
                    versions: versions,
                    featureLayers: featureLayers
                )
            ),
            configuration: configuration
        )
    }

    /// A pair whose handshake is over.
    static func established(_ configuration: LinkConfiguration = LinkConfiguration()) -> LinkPair {
        var pair = LinkPair(configuration: configuration)
        pair.connect()
        pair.settle()
        return pair
    }

    static func token(_ text: String) -> SharedToken {
        do {
            return try SharedToken(Array(text.utf8), source: "a test")
        } catch {
            preconditionFailure("\(error)")
        }
    }

    mutating func connect() {
        connect(.verifier)
        connect(.worker)
    }

    mutating func connect(_ end: End) {
        handle(end, .connected(LinkNonce(using: &nonces)))
    }

    mutating func handle(_ end: End, _ event: LinkEvent) {
        note(end == .worker ? worker.handle(event, now: now) : verifier.handle(event, now: now), of: end)
    }

    mutating func handle(_ end: End, _ command: LinkMachine.Command) {
        note(end == .worker ? worker.handle(command, now: now) : verifier.handle(command, now: now), of: end)
    }

    private mutating func note(_ new: [LinkMachine.Effect], of end: End) {
        for case .write(var bytes) in new {
            wire[end == .worker ? .verifier : .worker]?.writeBuffer(&bytes)
        }
        effects[end]? += new
    }

    /// Passes on what waits for `end`, if anything.
    mutating func deliver(to end: End) -> Bool {
        guard let bytes = wire[end], bytes.readableBytes > 0 else { return false }
        wire[end] = ByteBuffer()
        handle(end == .worker ? .verifier : .worker, .flushed(bytes: bytes.readableBytes))
        handle(end, .received(bytes))
        return true
    }

    /// Puts bytes on the wire to `end`, as somebody on the path can.
    mutating func inject(_ bytes: ByteBuffer, to end: End) {
        wire[end]?.writeImmutableBuffer(bytes)
    }

    /// Takes what waits for `end` off the wire.
    mutating func intercept(to end: End) -> ByteBuffer {
        defer { wire[end] = ByteBuffer() }
        return wire[end] ?? ByteBuffer()
    }

    /// Passes everything on until nothing is left.
    mutating func settle() {
        while deliver(to: .verifier) || deliver(to: .worker) {}
    }

    /// Lets time pass, with both ends' timers, passing everything on.
    ///
    /// - Parameter silent: an end whose process is stopped.
    mutating func run(for duration: Duration, silent: End? = nil) {
        let end = now + duration
        while true {
            let due = [silent == .worker ? nil : worker.deadline, silent == .verifier ? nil : verifier.deadline]
                .compactMap { $0 }.min()
            guard let due, due <= end else { break }
            now = max(now, due)
            for side in [End.worker, .verifier] where side != silent {
                handle(side, .timer)
                while side == .worker ? deliverIfAwake(.verifier, silent) : deliverIfAwake(.worker, silent) {}
            }
            while deliverIfAwake(.worker, silent) || deliverIfAwake(.verifier, silent) {}
        }
        now = end
    }

    private mutating func deliverIfAwake(_ end: End, _ silent: End?) -> Bool {
        end != silent && deliver(to: end)
    }

    func fault(_ end: End) -> LinkFault? {
        for case .close(let fault) in effects[end] ?? [] { return fault }
        return nil
    }

    func delivered(_ end: End) -> [Message] {
        (effects[end] ?? []).compactMap { if case .deliver(let message) = $0 { message } else { nil } }
    }
}
