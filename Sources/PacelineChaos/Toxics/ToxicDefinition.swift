import PacelineSpeculation
package import PacelineWire

/// Which way bytes go through a proxy: to the upstream, or from it to the client.
package enum StreamDirection: String, CaseIterable, Sendable {
    case upstream, downstream
}

/// A toxic as its proxy knows it: what happens, to which direction, to how many connections, and when.
package struct ToxicDefinition: Hashable, Sendable {
    /// Unique within the proxy.
    package internal(set) var name: String
    package let type: ToxicType
    package let stream: StreamDirection
    /// The share of connections that the toxic acts on.
    package var toxicity: Double
    /// Bytes of the direction that pass before it begins to act.
    package var afterBytes: UInt64
    /// How long it acts on a connection; nil for ever.
    package var duration: Duration?
    /// For toxics on frames: frames that pass before it acts, and the only type of message that it acts on.
    package var afterFrames: UInt64
    package var match: MessageType?
    /// How often it strikes a direction of a connection, the API's `count`; nil for any number of times.
    package var maximumFaults: UInt64?
    private var values: [String: Double]

    /// - Parameters:
    ///   - name: nil for `TYPE_STREAM`.
    ///   - values: of attributes; those that are missing have their fallback.
    package init(
        name: String? = nil,
        _ type: ToxicType,
        _ stream: StreamDirection = .downstream,
        toxicity: Double = 1,
        afterBytes: UInt64 = 0,
        duration: Duration? = nil,
        afterFrames: UInt64 = 0,
        match: MessageType? = nil,
        maximumFaults: UInt64? = nil,
        values: [String: Double] = [:]
    ) {
        self.name = name ?? "\(type.rawValue)_\(stream.rawValue)"
        self.type = type
        self.stream = stream
        self.toxicity = toxicity
        self.afterBytes = afterBytes
        self.duration = duration
        self.afterFrames = afterFrames
        self.match = match
        self.maximumFaults = maximumFaults
        // With every attribute, so that equal settings are equal however they were given.
        self.values = Dictionary(
            type.attributes.map { ($0.name, values[$0.name] ?? $0.fallback) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The attributes with their values.
    package var attributes: [(name: String, value: Double)] {
        type.attributes.map { ($0.name, self[$0.name]) }
    }

    /// A setting's value; 0 for a name that the type does not have.
    package subscript(name: String) -> Double {
        get { values[name] ?? 0 }
        set { if values[name] != nil { values[name] = newValue } }
    }

    /// A setting that counts something.
    func count(_ name: String) -> Int {
        Int(exactly: self[name].rounded()) ?? 0
    }

    /// A setting in milliseconds.
    func time(_ name: String) -> Duration {
        .fromMilliseconds(self[name])
    }

    /// Why the settings do not go together; nil if they do.
    package var conflict: String? {
        if !type.isFrameAware, afterFrames > 0 || match != nil {
            let known = ToxicType.allCases.filter(\.isFrameAware).map(\.rawValue).joined(separator: ", ")
            return "after_frames and match are for toxics on frames, which are \(known)"
        }
        if !type.isCountable, maximumFaults != nil {
            let known = ToxicType.allCases.filter(\.isCountable).map(\.rawValue).joined(separator: ", ")
            return "count is for toxics that strike again and again, which are \(known)"
        }
        guard type == .slicer, self["size_variation"] >= self["average_size"] else { return nil }
        return "attributes.size_variation must be smaller than attributes.average_size "
            + "(\(count("average_size"))), not \(count("size_variation"))"
    }
}
