package import NIOCore
import PacelineChat
import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// One JSON object of a request, read field by field. Fields that nobody reads are ignored, as Toxiproxy does; a field
/// that is null counts as absent.
package struct ChaosInput {
    /// Where the object is in the text: no steps for the body itself, otherwise for example those of `toxics[2]`.
    private let steps: [JSONPlace.Step]
    private let mapping: TemplateMapping
    /// The whole body.
    private let text: String

    /// Reads a body that is one object.
    ///
    /// - Throws: ``ChaosError`` 400.
    package static func object(_ body: ByteBuffer) throws(ChaosError) -> ChaosInput {
        let (value, text) = try read(body)
        guard case .mapping(let mapping) = value else {
            throw .badRequest("one JSON object was expected, not \(kind(value))")
        }
        return ChaosInput(steps: [], mapping: mapping, text: text)
    }

    /// Reads a body that is an array of objects.
    ///
    /// - Throws: ``ChaosError`` 400.
    package static func objects(_ body: ByteBuffer) throws(ChaosError) -> [ChaosInput] {
        let (value, text) = try read(body)
        guard case .list(let items) = value else {
            throw .badRequest("a JSON array of proxies was expected, not \(kind(value))")
        }
        return try objects(items, at: [], in: text)
    }

    private static func objects(
        _ items: TemplateItems,
        at steps: [JSONPlace.Step],
        in text: String
    ) throws(ChaosError) -> [ChaosInput] {
        var objects: [ChaosInput] = []
        for (index, item) in items.values.enumerated() {
            let own = steps + [.item(index)]
            guard case .mapping(let mapping) = item else {
                let place = JSONPlace(of: own, in: text)
                throw .badRequest("\(name(of: own)) must be an object, not \(kind(item)), \(place)")
            }
            objects.append(ChaosInput(steps: own, mapping: mapping, text: text))
        }
        return objects
    }

    private static func read(_ body: ByteBuffer) throws(ChaosError) -> (TemplateValue, String) {
        let bytes = body.readableBytesView
        guard !bytes.isEmpty else { throw .badRequest("the body is empty; send JSON") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .badRequest("the body is not valid UTF-8; send it in that encoding")
        }
        do throws(JSONReader.Failure) {
            return (try JSONReader.read(text), text)
        } catch {
            let place = JSONPlace(offset: error.offset, in: text)
            throw .badRequest("\(error.reason) \(place); send valid JSON")
        }
    }

    // MARK: Fields

    private func name(_ field: String) -> String {
        Self.name(of: steps + [.field(field)])
    }

    /// For example `toxics[2].attributes`.
    private static func name(of steps: [JSONPlace.Step]) -> String {
        steps.reduce(into: "") { name, step in
            switch step {
            case .field(let field): name += name.isEmpty ? field : ".\(field)"
            case .item(let index): name += "[\(index)]"
            }
        }
    }

    /// A field is wrong, or, if it is not there, the object that lacks it.
    ///
    /// - Parameter reason: begins with the field's name, and may end in a way out behind a semicolon.
    private func refusal(of field: String, _ reason: String) -> ChaosError {
        var parts = reason.split(separator: "; ", maxSplits: 1).map(String.init)
        parts[0] += ", \(place(of: field))"
        return .badRequest(parts.joined(separator: "; "))
    }

    private func place(of field: String) -> JSONPlace {
        JSONPlace(of: steps + [.field(field)], in: text)
    }

    func missing(_ field: String, _ expected: String) -> ChaosError {
        .missingField(name(field), expected, place(of: field))
    }

    private func value(_ field: String) -> TemplateValue? {
        guard let value = mapping[field] else { return nil }
        if case .none = value { return nil }
        return value
    }

    func string(_ field: String) throws(ChaosError) -> String? {
        guard let value = value(field) else { return nil }
        guard case .text(let text) = value else { throw mismatch(field, "a string", value) }
        return text.string
    }

    /// A string that must be there.
    func required(_ field: String) throws(ChaosError) -> String {
        guard let text = try string(field), !text.isEmpty else { throw missing(field, "a string that is not empty") }
        return text
    }

    func bool(_ field: String) throws(ChaosError) -> Bool? {
        guard let value = value(field) else { return nil }
        guard case .bool(let bool) = value else { throw mismatch(field, "true or false", value) }
        return bool
    }

    func number(_ field: String, _ attribute: ToxicAttribute) throws(ChaosError) -> Double? {
        guard let value = value(field) else { return nil }
        let number: Double? =
            switch value {
            case .int(let int): Double(int)
            case .float(let double): double
            default: nil
            }
        guard let number, attribute.accepts(number) else { throw mismatch(field, attribute.expectation, value) }
        return number
    }

    /// A count of up to 64 bits that must be there.
    func unsigned(_ field: String) throws(ChaosError) -> UInt64 {
        switch value(field) {
        case .int(let int) where int >= 0: return UInt64(int)
        case .numeral(let digits):
            if let number = UInt64(digits) { return number }
            throw mismatch(field, "a whole number below 2^64", .numeral(digits))
        case let other?: throw mismatch(field, "a whole number from 0", other)
        case nil: throw refusal(of: field, "\(name(field)) is missing; it must be a whole number from 0")
        }
    }

    func object(_ field: String) throws(ChaosError) -> ChaosInput? {
        guard let value = value(field) else { return nil }
        guard case .mapping(let mapping) = value else { throw mismatch(field, "an object", value) }
        return ChaosInput(steps: steps + [.field(field)], mapping: mapping, text: text)
    }

    func list(_ field: String) throws(ChaosError) -> [ChaosInput]? {
        guard let value = value(field) else { return nil }
        guard case .list(let items) = value else { throw mismatch(field, "an array", value) }
        return try Self.objects(items, at: steps + [.field(field)], in: text)
    }

    /// Throws for a field that is none of `known`: a misspelt setting would do nothing, and nobody would notice.
    func check(known: [String]) throws(ChaosError) {
        for entry in mapping.entries {
            guard case .text(let key) = entry.key, !known.contains(key.string) else { continue }
            let names = known.isEmpty ? "there are none for this type" : "there are \(known.joined(separator: ", "))"
            let shown = name(String(key.string.prefix(40)))
            throw refusal(of: key.string, "\(shown) is no setting of the toxic; \(names)")
        }
    }

    func mismatch(_ field: String, _ expected: String, _ value: TemplateValue) -> ChaosError {
        refusal(of: field, "\(name(field)) must be \(expected), not \(Self.kind(value))")
    }

    private static func kind(_ value: TemplateValue) -> String {
        switch value {
        case .none: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): "\(int)"
        case .numeral(let digits): "\(digits.prefix(40))"
        case .float(let number): "\(number)"
        case .text(let text): "\"\(text.string.prefix(40))\""
        case .list: "an array"
        default: "an object"
        }
    }
}

// MARK: - Proxies and toxics

extension ChaosInput {
    /// A new toxic.
    ///
    /// - Throws: ``ChaosError`` 400.
    package func toxic() throws(ChaosError) -> ToxicDefinition {
        let word = try string("stream") ?? StreamDirection.downstream.rawValue
        guard let stream = StreamDirection(rawValue: word.lowercased()) else {
            throw .invalidStream(word, place(of: "stream"))
        }
        let typeName = try string("type") ?? ""
        guard let type = ToxicType(rawValue: typeName) else { throw .invalidType(typeName, place(of: "type")) }
        let name = try string("name") ?? ""
        let toxic = ToxicDefinition(
            name: name.isEmpty ? nil : name,
            type,
            stream,
            toxicity: try number("toxicity", .toxicity) ?? 1,
            afterBytes: UInt64(try number("after_bytes", .afterBytes) ?? 0),
            duration: try number("duration", .duration).map { .fromMilliseconds($0) },
            afterFrames: UInt64(try number("after_frames", .afterFrames) ?? 0),
            match: try message("match"),
            maximumFaults: try number("count", .count).map { UInt64($0) }
        )
        return try settings(of: toxic)
    }

    /// A type of message of the draft link.
    private func message(_ field: String) throws(ChaosError) -> MessageType? {
        guard let word = try string(field) else { return nil }
        guard let type = MessageType.allCases.first(where: { "\($0)" == word }) else {
            let known = MessageType.allCases.map { "\($0)" }.joined(separator: ", ")
            throw refusal(of: field, "\(name(field)) must be one of \(known), not \"\(word.prefix(40))\"")
        }
        return type
    }

    /// `toxic` with the settings that the body names; the others stay.
    ///
    /// - Throws: ``ChaosError`` 400.
    package func changed(_ toxic: ToxicDefinition) throws(ChaosError) -> ToxicDefinition {
        let kept = [ToxicAttribute.afterBytes, .afterFrames, .duration, .count].map(\.name) + ["match"]
        for field in kept where value(field) != nil {
            throw refusal(of: field, "\(name(field)) cannot be changed; remove the toxic and add another one")
        }
        var toxic = toxic
        toxic.toxicity = try number("toxicity", .toxicity) ?? toxic.toxicity
        return try settings(of: toxic)
    }

    private func settings(of toxic: ToxicDefinition) throws(ChaosError) -> ToxicDefinition {
        var toxic = toxic
        if let values = try object("attributes") {
            try values.check(known: toxic.type.attributes.map(\.name))
            for attribute in toxic.type.attributes {
                if let value = try values.number(attribute.name, attribute) { toxic[attribute.name] = value }
            }
        }
        if let conflict = toxic.conflict { throw refusal(of: "attributes", conflict) }
        return toxic
    }

    /// A new proxy with its toxics.
    ///
    /// - Throws: ``ChaosError`` 400.
    package func proxy() throws(ChaosError) -> ProxyRecord {
        var proxy = ProxyRecord(
            name: try required("name"),
            listen: try address("listen") ?? "127.0.0.1:0",
            upstream: try upstream(required("upstream")),
            isEnabled: try bool("enabled") ?? true
        )
        for input in try list("toxics") ?? [] { try proxy.add(input.toxic()) }
        return proxy
    }

    /// `proxy` with the addresses and the state that the body names.
    ///
    /// - Throws: ``ChaosError`` 400.
    package func changed(_ proxy: ProxyRecord) throws(ChaosError) -> ProxyRecord {
        var proxy = proxy
        proxy.listen = try address("listen") ?? proxy.listen
        if let upstream = try string("upstream") { proxy.upstream = try self.upstream(upstream) }
        proxy.isEnabled = try bool("enabled") ?? proxy.isEnabled
        return proxy
    }

    /// An address to listen on; nil if it is left open. One without a host is that of all interfaces, and localhost is
    /// IPv4, as in Go.
    private func address(_ field: String) throws(ChaosError) -> String? {
        guard let text = try string(field), !text.isEmpty else { return nil }
        guard var endpoint = try? Endpoint(text.hasPrefix(":") ? "0.0.0.0\(text)" : text) else {
            let wanted = "\(name(field)) must be HOST:PORT, such as 127.0.0.1:26379"
            throw refusal(of: field, "\(wanted), not \"\(text.prefix(80))\"")
        }
        if endpoint.host == "localhost" { endpoint.host = "127.0.0.1" }
        return "\(endpoint)"
    }

    private func upstream(_ text: String) throws(ChaosError) -> String {
        guard let endpoint = try? Endpoint(text.hasPrefix(":") ? "127.0.0.1\(text)" : text), endpoint.port > 0 else {
            let wanted = "\(name("upstream")) must be HOST:PORT, such as 127.0.0.1:6379"
            throw refusal(of: "upstream", "\(wanted), not \"\(text.prefix(80))\"")
        }
        return text
    }
}

extension ToxicAttribute {
    static let toxicity = share("toxicity", "share of the connections", fallback: 1)
    static let afterBytes = whole("after_bytes", "bytes that pass before it begins", unit: "bytes")
    static let afterFrames = whole("after_frames", "frames that pass before it acts", unit: "frames")
    static let count = whole("count", "how often it strikes a connection", unit: "faults", from: 1)
    static let duration = time("duration", "time for which it acts on a connection")
}
