import PacelineServer
import PacelineSpeculation

/// A toxic in JSON: Toxiproxy's fields, and ours where they say something.
package struct ToxicBody: Codable, Sendable, Hashable {
    package var attributes: [String: Double]
    package var name: String
    package var type: String
    package var stream: String
    package var toxicity: Double
    /// Bytes that pass before the toxic begins.
    package var afterBytes: UInt64?
    /// Milliseconds for which it acts on a connection.
    package var duration: Double?
    /// Frames that pass before it acts, and the only type of message that it acts on.
    package var afterFrames: UInt64?
    package var match: String?
    /// How often it strikes a connection.
    package var count: UInt64?

    enum CodingKeys: String, CodingKey {
        case attributes, name, type, stream, toxicity, duration, match, count
        case afterBytes = "after_bytes"
        case afterFrames = "after_frames"
    }

    package init(_ toxic: ToxicDefinition) {
        attributes = Dictionary(toxic.attributes.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        name = toxic.name
        type = toxic.type.rawValue
        stream = toxic.stream.rawValue
        toxicity = toxic.toxicity
        afterBytes = toxic.afterBytes > 0 ? toxic.afterBytes : nil
        duration = toxic.duration?.inMilliseconds
        afterFrames = toxic.afterFrames > 0 ? toxic.afterFrames : nil
        match = toxic.match.map { "\($0)" }
        count = toxic.maximumFaults
    }

    /// The same, with the attributes in the order of their type.
    var json: JSONValue {
        let order = ToxicType(rawValue: type)?.attributes.map(\.name) ?? attributes.keys.sorted()
        var fields: [(name: String, value: JSONValue)] = [
            ("attributes", .object(order.map { ($0, Self.number(attributes[$0] ?? 0)) })),
            ("name", .string(name)), ("type", .string(type)), ("stream", .string(stream)),
            ("toxicity", Self.number(toxicity)),
        ]
        if let afterBytes { fields.append(("after_bytes", .unsigned(afterBytes))) }
        if let duration { fields.append(("duration", Self.number(duration))) }
        if let afterFrames { fields.append(("after_frames", .unsigned(afterFrames))) }
        if let match { fields.append(("match", .string(match))) }
        if let count { fields.append(("count", .unsigned(count))) }
        return .object(fields)
    }

    /// Whole numbers without a point, as typed clients expect.
    private static func number(_ value: Double) -> JSONValue {
        Int(exactly: value).map { .int($0) } ?? .number(value)
    }
}

/// A proxy in JSON.
package struct ProxyBody: Codable, Sendable, Hashable {
    package var name: String
    package var listen: String
    package var upstream: String
    package var enabled: Bool
    package var toxics: [ToxicBody]

    package init(_ proxy: ProxyRecord) {
        name = proxy.name
        listen = proxy.listen
        upstream = proxy.upstream
        enabled = proxy.isEnabled
        toxics = proxy.toxics.map { ToxicBody($0) }
    }

    var json: JSONValue {
        [
            "name": .string(name), "listen": .string(listen), "upstream": .string(upstream), "enabled": .bool(enabled),
            "toxics": .array(toxics.map(\.json)),
        ]
    }
}

/// What the API answers when it refuses.
package struct ChaosErrorBody: Codable, Sendable, Hashable {
    package var error: String
    package var status: Int
}
