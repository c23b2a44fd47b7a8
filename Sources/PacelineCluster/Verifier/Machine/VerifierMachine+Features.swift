import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Bytes of one message with features, more or less: others need not wait long behind it.
    private static let featureBytes = 1 << 16

    /// The features that connected workers read: those of all of them, in the order in which they came.
    var taps: [FeatureTap] {
        var taps: [FeatureTap] = []
        for link in links.values {
            for tap in link.worker?.peer.features?.taps ?? [] where !taps.contains(tap) { taps.append(tap) }
        }
        return taps
    }

    /// Tells the workers of a sequence that may draft what has been computed of its prompt.
    mutating func tellFeatures(of request: RequestID, now: Instant) {
        guard running.read(request, { $0.features.isEmpty }) == false else { return }
        for worker in ledger.workers(of: request) where ledger.credit(of: worker, for: request) > 0 {
            tellFeatures(of: request, to: worker, now: now)
        }
    }

    /// Tells a worker those of a sequence's features that it reads and has not been told, as far as its link has room.
    /// The others wait for the next time.
    mutating func tellFeatures(of request: RequestID, to worker: LinkID, now: Instant) {
        guard let peer = links[worker]?.worker?.peer, let demand = peer.features else { return }
        guard !isOpening(request, at: worker), let told = ledger.toldFeatures(of: request, to: worker) else { return }
        let source = PlantedBug.foreignFeaturesTold.isPlanted ? running.keys.last ?? request : request
        guard var rows = running.read(source, { $0.features.rows(from: told, taps: demand.taps) }) ?? nil else {
            return
        }
        if PlantedBug.featuresMisplaced.isPlanted { rows = rows.misplaced }
        let parts = Message.Features.parts(
            of: rows,
            request: request.rawValue,
            format: demand.format,
            framePayload: min(peer.limits.framePayload, Self.featureBytes)
        )
        for part in parts {
            guard links.hasRoomForFeatures(on: worker) else { return }
            ledger.tellFeatures(of: request, to: worker, upTo: part.block.end)
            send(.features(part), to: worker, now: now)
        }
    }
}

extension FeatureBlock {
    /// The rows as if each were that of the next token.
    fileprivate var misplaced: FeatureBlock {
        FeatureBlock(position: position + 1, taps: taps, width: width, values: values)
    }
}
