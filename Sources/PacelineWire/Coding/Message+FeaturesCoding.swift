import CPacelineProtocol
import PacelineSpeculation

extension Message.Features: Payload {
    static var type: MessageType { .features }

    init(copying structure: Paceline__V1__Features, in phase: LinkPhase) throws(MessageError.Problem) {
        // Without a demand, the frame's type would not have been allowed.
        guard let demand = phase.features, Int(structure.taps) == demand.taps.count else {
            throw .notAgreed(field: "taps")
        }
        guard structure.format == demand.format.code else { throw .notAgreed(field: "format") }
        let (width, data) = (Int(structure.width), structure.data)
        try Check.range("width", width, 1...WireLimits.featureWidth)
        let row = demand.format.rowBytes(taps: demand.taps.count, width: width)
        guard data.len > 0, data.len.isMultiple(of: row) else {
            throw .byteCount(field: "data", found: data.len, allowed: "one or more times \(row)")
        }
        let bytes = UnsafeRawBufferPointer(start: data.data, count: data.len)
        let values = try FeatureBytes.read(bytes, as: demand.format, width: width)
        self.init(
            request: structure.request,
            block: FeatureBlock(position: Int(structure.position), taps: demand.taps, width: width, values: values),
            format: demand.format
        )
    }

    func check(in phase: LinkPhase) throws(MessageError.Problem) {
        try Check.nonzero("request", request)
        guard block.taps == phase.features?.taps else { throw .notAgreed(field: "taps") }
        guard format == phase.features?.format else { throw .notAgreed(field: "format") }
        try Check.range("width", block.width, 1...WireLimits.featureWidth)
        try Check.range("the count of rows", block.count, 1...WireLimits.framePayload)
        try Check.range("position", block.position, 0...phase.baseLength - block.count)
        guard FeatureBytes.areFinite(block.values) else { throw .notFinite(field: "data") }
    }

    func structure(in arena: PackArena) -> Paceline__V1__Features {
        var structure = Paceline__V1__Features.make()
        structure.request = request
        structure.position = UInt32(block.position)
        structure.width = UInt32(block.width)
        structure.taps = UInt32(block.taps.count)
        structure.format = format.code
        let size = block.count * format.rowBytes(taps: block.taps.count, width: block.width)
        structure.data = arena.bytes(count: size) { FeatureBytes.write(block, as: format, to: $0) }
        return structure
    }
}
