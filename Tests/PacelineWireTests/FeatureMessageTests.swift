import PacelineSpeculation
import Testing

@testable import PacelineWire

@Suite("Features in a message")
struct FeatureMessageTests {
    private static let taps: [FeatureTap] = [.input(layer: 2), .normedOutput]

    private static func phase(_ format: FeatureDemand.Format) -> LinkPhase {
        RandomMessages.established(version: 2, features: FeatureDemand(taps: taps, format: format))
    }

    private static func message(
        _ values: [Float16],
        width: Int,
        position: Int = 3,
        format: FeatureDemand.Format
    ) -> Message.Features {
        let block = FeatureBlock(position: position, taps: taps, width: width, values: values)
        return Message.Features(request: 7, block: block, format: format)
    }

    /// What arrives of a message.
    private static func arrival(of message: Message.Features) throws -> Message.Features? {
        let phase = phase(message.format)
        let (messages, error) = Wire.read(try Wire.bytes(of: [.features(message)], phase: phase), phase: phase)
        #expect(error == nil)
        guard case .features(let arrived)? = messages.first else { return nil }
        return arrived
    }

    private static func data(of message: Message.Features) -> [UInt8] {
        var bytes = [UInt8](
            repeating: 0xaa,
            count: message.block.count * message.format.rowBytes(taps: taps.count, width: message.block.width)
        )
        bytes.withUnsafeMutableBytes { FeatureBytes.write(message.block, as: message.format, to: $0) }
        return bytes
    }

    private static func random(_ count: Int, scale: Float, using random: inout SplitMix) -> [Float16] {
        (0..<count).map { _ in Float16(Float.random(in: -scale...scale, using: &random)) }
    }

    // MARK: Arriving

    @Test("arrive to the bit as float16, every finite number of it")
    func halves() throws {
        let all = (0...UInt16.max).map(Float16.init(bitPattern:)).filter(\.isFinite)
        let sent = Self.message(all, width: all.count / 4, format: .float16)
        let arrived = try #require(try Self.arrival(of: sent))
        #expect(arrived == sent && arrived.block.count == 2)
        #expect(arrived.block.values.map(\.bitPattern) == all.map(\.bitPattern))
        #expect(
            Array(Self.data(of: Self.message([1, -2, 0.5, 65504], width: 2, format: .float16))) == [
                0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38, 0xff, 0x7b,
            ]
        )
    }

    @Test("arrive as bytes with an error of half a step, each tap of each row with its own steps")
    func eightBits() throws {
        var random = SplitMix(seed: 8)
        for scale: Float in [1e-6, 1e-3, 1, 300, 65_000] {
            let width = 37
            let values =
                Self.random(2 * width, scale: scale, using: &random)
                + Self.random(2 * width, scale: scale / 50, using: &random)
            let sent = Self.message(values, width: width, format: .eightBit)
            let arrived = try #require(try Self.arrival(of: sent))
            #expect(arrived.block.taps == Self.taps && arrived.block.position == 3 && arrived.block.count == 2)
            for start in stride(from: 0, to: values.count, by: width) {
                let piece = values[start..<start + width]
                let largest = Float(piece.map(\.magnitude).max() ?? 0)
                for index in piece.indices {
                    let (before, after) = (Float(values[index]), Float(arrived.block.values[index]))
                    // What comes out is rounded to float16 once more.
                    let allowed = largest / 254 * 1.0001 + max(abs(before) / 1024, 0x1p-24)
                    #expect(abs(before - after) <= allowed, "\(before) became \(after) of at most \(largest)")
                }
            }
        }
    }

    @Test("are written in a byte as the document says: rounded half away from zero, and nothing of nothing")
    func bytes() {
        let values: [Float16] = [127, 2.5, -2.5, 0.25, 0, -0.0, 0, 0, -63.5, 0.25, -0.25, 0.125]
        let message = FeatureBlock(position: 0, taps: [.lastOutput], width: 4, values: values)
        var bytes = [UInt8](repeating: 0, count: 24)
        bytes.withUnsafeMutableBytes { FeatureBytes.write(message, as: .eightBit, to: $0) }
        #expect(Array(bytes[0..<8]) == [0, 0, 0x80, 0x3f, 127, 3, 0xfd, 0])
        #expect(Array(bytes[8..<16]) == [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(bytes[16..<24]) == [0, 0, 0, 0x3f, 0x81, 1, 0xff, 0])
        // The largest number keeps its size.
        let extreme = Self.message([65504, -65504, 0x1p-24, -0x1p-24], width: 2, format: .eightBit)
        #expect((try? Self.arrival(of: extreme))??.block == extreme.block)
    }

    @Test("are rounded in a byte as the language rounds, at and beside every half")
    func rounding() {
        // With 127 among them, the scale is 1, so all of these are the steps themselves.
        let numbers: [Float16] = (0...1270).flatMap { tenth -> [Float16] in
            let number = Float16(tenth) / 10
            let half = number.rounded(.down) + 0.5
            return [number, -number, half, -half, half.nextDown, half.nextUp]
        }
        let values = [127] + numbers.filter { $0.magnitude <= 127 }
        let block = FeatureBlock(position: 0, taps: [.lastOutput], width: values.count, values: values)
        var bytes = [UInt8](repeating: 0, count: 4 + values.count)
        bytes.withUnsafeMutableBytes { FeatureBytes.write(block, as: .eightBit, to: $0) }
        let expected = values.map { UInt8(bitPattern: Int8($0.rounded(.toNearestOrAwayFromZero))) }
        #expect(Array(bytes.dropFirst(4)) == expected)
    }

    @Test("are converted to single precision and back as the language does it")
    func conversions() {
        let wrong = (0...UInt16.max).filter { bits in
            let number = Float16(bitPattern: bits)
            guard number.isFinite else { return false }
            let single = FeatureBytes.single(bits)
            return single.bitPattern != Float(number).bitPattern || FeatureBytes.half(single) != bits
        }
        #expect(wrong.isEmpty)
        var random = SplitMix(seed: 3)
        let numbers = (0..<100_000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) }
        let others = numbers.filter { number in
            let expected = Float16(max(-65504, min(65504, number)))
            return !number.isNaN && FeatureBytes.half(number) != expected.bitPattern
        }
        #expect(others.isEmpty)
        for bits: UInt16 in [0, 1, 2, 0x3ff, 0x400, 0x401, 0x3c00, 0x3c01, 0x7bfe] {
            let middle = (Float(Float16(bitPattern: bits)) + Float(Float16(bitPattern: bits + 1))) / 2
            for number in [middle.nextDown, middle, middle.nextUp, -middle] {
                #expect(FeatureBytes.half(number) == Float16(number).bitPattern, "\(number)")
            }
        }
    }

    // MARK: Refused

    private static func payload(taps: UInt64 = 2, format: UInt64 = 1, width: UInt64 = 2) -> ProtobufPayload {
        ProtobufPayload().varint(1, 7).varint(2, 3).varint(3, width).varint(4, taps).varint(5, format)
    }

    private static func problem(_ payload: ProtobufPayload, _ format: FeatureDemand.Format) -> MessageError.Problem? {
        let error = Wire.read(Wire.frame(.features, payload: payload.bytes), phase: phase(format)).error
        if case .message(let refused)? = error { return refused.problem }
        return error == nil ? nil : .malformed
    }

    @Test("are refused with the whole message where they break a limit, or are not what was agreed")
    func hostile() {
        let row = [UInt8](repeating: 0, count: 8)
        let limit = 16_777_216
        let wrong: [(ProtobufPayload, MessageError.Problem?)] = [
            (Self.payload().bytes(6, row), nil),
            (Self.payload().varint(1, 0).bytes(6, row), .zero(field: "request")),
            (Self.payload(taps: 1).bytes(6, row), .notAgreed(field: "taps")),
            (Self.payload(taps: 4).bytes(6, row), .notAgreed(field: "taps")),
            (Self.payload(format: 0).bytes(6, row), .notAgreed(field: "format")),
            (Self.payload(format: 2).bytes(6, row), .notAgreed(field: "format")),
            (Self.payload(format: 9).bytes(6, row), .notAgreed(field: "format")),
            (Self.payload(width: 0).bytes(6, row), .outOfRange(field: "width", found: 0, allowed: 1...65_536)),
            (
                Self.payload(width: UInt64(UInt32.max)).bytes(6, row),
                .outOfRange(field: "width", found: Int(UInt32.max), allowed: 1...65_536)
            ),
            (Self.payload(), .byteCount(field: "data", found: 0, allowed: "one or more times 8")),
            (
                Self.payload().bytes(6, row + [0]),
                .byteCount(field: "data", found: 9, allowed: "one or more times 8")
            ),
            (Self.payload().bytes(6, row.dropLast(2) + [0, 0x7c]), .notFinite(field: "data")),
            (Self.payload().bytes(6, row.dropLast(2) + [1, 0xfc]), .notFinite(field: "data")),
            (Self.payload().varint(2, UInt64(limit - 1)).bytes(6, row), nil),
            (
                Self.payload().varint(2, UInt64(limit - 1)).bytes(6, row + row),
                .outOfRange(field: "position", found: limit - 1, allowed: 0...limit - 2)
            ),
            (
                Self.payload().varint(2, UInt64(UInt32.max)).bytes(6, row),
                .outOfRange(field: "position", found: Int(UInt32.max), allowed: 0...limit - 1)
            ),
        ]
        for (payload, problem) in wrong {
            #expect(Self.problem(payload, .float16) == problem)
        }
    }

    @Test("in a byte are refused with a scale that is negative, infinite or none, and held to the largest float16")
    func scales() throws {
        func read(_ scale: Float, _ byte: UInt8) -> ProtobufPayload {
            let piece = withUnsafeBytes(of: scale.bitPattern.littleEndian) { Array($0) } + [byte]
            return Self.payload(format: 2, width: 1).bytes(6, piece + piece)
        }
        #expect(Self.problem(read(-1, 1), .eightBit) == .negative(field: "a scale in data"))
        for scale: Float in [.nan, .infinity, -.infinity] {
            #expect(Self.problem(read(scale, 0), .eightBit) == .notFinite(field: "a scale in data"))
        }
        for (scale, byte, number): (Float, UInt8, Float16) in [
            (.greatestFiniteMagnitude, 127, 65504), (.greatestFiniteMagnitude, 0x80, -65504), (2, 0x80, -256),
            (.leastNonzeroMagnitude, 127, 0), (0, 127, 0), (-0.0, 127, 0), (0.5, 0xff, -0.5),
        ] {
            let frame = Wire.frame(.features, payload: read(scale, byte).bytes)
            guard case .features(let features)? = Wire.read(frame, phase: Self.phase(.eightBit)).messages.first else {
                Issue.record("\(scale) times \(byte) is refused")
                continue
            }
            #expect(features.block.values == [number, number], "\(scale) times \(byte)")
        }
    }

    @Test("do not come without a demand, nor in version 1")
    func unasked() {
        let frame = Wire.frame(.features, payload: Self.payload().bytes(6, [UInt8](repeating: 0, count: 8)).bytes)
        let demand = FeatureDemand(taps: Self.taps)
        for phase in [
            RandomMessages.established(version: 2), RandomMessages.established(version: 1, features: demand),
            .handshake,
        ] {
            #expect(Wire.read(frame, phase: phase).error == .frame(.typeNotAllowed(.features)))
        }
        #expect(Wire.read(frame, phase: Self.phase(.float16)).error == nil)
    }

    @Test("that are not valid are not sent")
    func refusedByTheWriter() throws {
        let good = Self.message([1, 2, 3, 4], width: 2, format: .float16)
        var wrong = [Message.Features](repeating: good, count: 6)
        wrong[0].request = 0
        wrong[1].format = .eightBit
        wrong[2].block = FeatureBlock(position: 0, taps: Self.taps.reversed(), width: 2, values: [1, 2, 3, 4])
        wrong[3].block = FeatureBlock(position: 0, taps: Self.taps, width: 2, values: [])
        wrong[4].block = FeatureBlock(position: 0, taps: Self.taps, width: 1, values: [1, .nan])
        wrong[5].block = FeatureBlock(position: 1 << 24, taps: Self.taps, width: 1, values: [1, 2])
        for message in wrong {
            #expect(throws: WireError.self) { try Wire.bytes(of: [.features(message)], phase: Self.phase(.float16)) }
        }
        #expect(throws: Never.self) { try Wire.bytes(of: [.features(good)], phase: Self.phase(.float16)) }
    }

    @Test("with any bytes changed are refused or finite, in either format", arguments: FeatureDemand.Format.allCases)
    func mutations(format: FeatureDemand.Format) throws {
        var mutator = ByteMutator(seed: 16)
        var random = SplitMix(seed: 17)
        let phase = Self.phase(format)
        let message = Self.message(Self.random(24, scale: 4, using: &random), width: 4, format: format)
        let valid = Array(try Wire.bytes(of: [.features(message)], phase: phase).dropFirst(FrameHeader.byteCount))
        var accepted = 0
        for _ in 0..<20_000 {
            let bytes = mutator.mutate(valid, splicing: valid)
            guard
                case .features(let features)? = Wire.read(Wire.frame(.features, payload: bytes), phase: phase)
                    .messages.first
            else { continue }
            accepted += 1
            #expect(features.block.values.allSatisfy(\.isFinite) && features.block.taps == Self.taps)
            #expect(throws: Never.self) { try Wire.bytes(of: [.features(features)], phase: phase) }
        }
        #expect(accepted > 100)
    }

    // MARK: Parts

    @Test("are cut into messages that fit, which together are the block", arguments: FeatureDemand.Format.allCases)
    func parts(format: FeatureDemand.Format) throws {
        let width = 700
        var random = SplitMix(seed: 4)
        let values = Self.random(2 * width * 101, scale: 9, using: &random)
        let block = FeatureBlock(position: 1 << 20, taps: Self.taps, width: width, values: values)
        for framePayload in [4096, 65_536, WireLimits.framePayload] {
            let parts = Message.Features.parts(of: block, request: 7, format: format, framePayload: framePayload)
            var (end, joined) = (block.position, [Float16]())
            for part in parts {
                #expect(part.request == 7 && part.format == format)
                #expect(part.block.position == end && part.block.taps == Self.taps && part.block.width == width)
                end = part.block.end
                joined += part.block.values
                let size = try Wire.bytes(of: [.features(part)], phase: Self.phase(format)).count
                #expect(size - FrameHeader.byteCount <= framePayload)
            }
            #expect(end == block.end && joined == block.values)
            let limit = Message.Features.rowLimit(of: block, format: format, framePayload: framePayload)
            #expect(parts.count == (block.count + limit - 1) / limit)
        }
        #expect(Message.Features.rowLimit(of: block, format: format, framePayload: 100) == 1)
        #expect(Message.Features.parts(of: block, request: 7, format: format, framePayload: 100).isEmpty)
        let none = FeatureBlock(position: block.position, taps: Self.taps, width: width, values: [])
        #expect(Message.Features.parts(of: none, request: 7, format: format, framePayload: 4096).isEmpty)
    }

    @Test("fill a message of the largest size to its last row")
    func largest() throws {
        let taps: [FeatureTap] = [.lastOutput]
        let phase = RandomMessages.established(version: 2, features: FeatureDemand(taps: taps))
        let row = [Float16](repeating: -1, count: 65_536)
        let rows = Message.Features.rowLimit(
            of: FeatureBlock(position: 0, taps: taps, width: row.count, values: []),
            format: .float16,
            framePayload: WireLimits.framePayload
        )
        #expect(rows == 7)
        let block = FeatureBlock(
            position: WireLimits.baseLength - rows,
            taps: taps,
            width: row.count,
            values: Array(repeatElement(row, count: rows).joined())
        )
        let message = Message.features(Message.Features(request: .max, block: block, format: .float16))
        let (messages, error) = Wire.read(try Wire.bytes(of: [message], phase: phase), phase: phase)
        #expect(error == nil && messages == [message])
    }
}
