import Foundation
import NIOCore
import Testing

@testable import PacelineWire

/// Holes that were found in other systems, and the rules that keep them out of the decoders. `Protocols/SECURITY.md`
/// lists them.
@Suite("Security references: the decoders")
struct WireSecurityReferenceTests {
    private static let established = RandomMessages.established

    // MARK: One validating decoder

    @Test("CVE-2026-34159: zero in every field at once passes only where every zero means something")
    func zeros() {
        let accepted = MessageType.allCases.filter { type in
            let frame = Wire.frame(type, payload: [])
            return Wire.read(frame, phase: RandomMessages.phase(of: type)).error == nil
        }
        #expect(accepted == [.drain, .fault], "their numbers may be 0, and their texts empty")
    }

    @Test("CVE-2026-34159: each number of each message is refused as 0, or means something as 0")
    func zeroFields() throws {
        var messages = RandomMessages(seed: 5)
        let mustNotBeZero: [MessageType: [Int]] = [
            .hello: [1, 2, 3, 5, 8], .challenge: [1], .welcome: [1, 3, 6, 7], .open: [1], .base: [1, 2], .tree: [1, 3],
            .verifying: [1, 3], .verdict: [1, 2, 3], .features: [1, 3, 4, 5], .close: [1], .ping: [1], .pong: [1],
        ]
        for (type, fields) in mustNotBeZero {
            let phase = RandomMessages.phase(of: type)
            let payload = Array(try Wire.bytes(of: [messages.message(type)], phase: phase).dropFirst(28))
            for field in fields {
                // The last value of a field counts.
                let isFixed = type == .hello && field == 5 || type == .welcome && field == 3
                let zero = isFixed ? ProtobufPayload().fixed64(field, 0) : ProtobufPayload().varint(field, 0)
                let read = Wire.read(Wire.frame(type, payload: payload + zero.bytes), phase: phase)
                #expect(read.error != nil && read.messages.isEmpty, "field \(field) of \(type)")
            }
        }
    }

    @Test("llama.cpp #13067, #9799, #25289: an unknown enumeration is refused, or means nothing in particular")
    func enumerations() {
        for type in UInt8.min ... .max where MessageType(rawValue: type) == nil {
            let error = Wire.read(Wire.header(type: type)).error
            #expect(error == .frame(.unknownType(type)))
        }
        let hello = ProtobufPayload().varint(1, 1).varint(2, 1).bytes(4, [0x77]).fixed64(5, 7).varint(8, 1)
        for role: UInt64 in [0, 3, 255, (1 << 32) - 1, .max] {
            let payload = hello.varint(3, role).bytes
            #expect(Wire.read(Wire.frame(.hello, payload: payload), phase: .handshake).messages.isEmpty, "\(role)")
        }
        for reason: UInt64 in [0, 99, (1 << 31) - 1] {
            let payload = ProtobufPayload().varint(1, 7).varint(2, reason).bytes
            guard case .close(let close) = Wire.read(Wire.frame(.close, payload: payload)).messages.first else {
                Issue.record("\(reason)")
                continue
            }
            #expect(close.reason == .unspecified)
        }
    }

    @Test("CVE-2025-32444, CVE-2025-29783, CVE-2025-47277, CVE-2025-30165: other encodings end at their first byte")
    func otherEncodings() {
        // The beginnings of a pickle, a zipped archive, a JSON object, a ZeroMQ greeting and an archive of Java's.
        for beginning: [UInt8] in [[0x80, 4], [0x50, 0x4b], [0x7b, 0x22], [0xff, 0], [0xac, 0xed]] {
            for phase in [LinkPhase.handshake, Self.established] {
                let read = Wire.read(Array(beginning.prefix(1)), phase: phase)
                #expect(read.error == .frame(.magic(found: Array(beginning.prefix(1)))))
            }
        }
    }

    @Test("CVE-2024-50050, CVE-2026-3059, CVE-2026-93088, CVE-2026-93034, CVE-2025-66455: there is no second decoder")
    func oneDecoder() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources")
        var unpacking: [String] = []
        let forbidden = [
            "NSKeyedUnarchiver", "PropertyListDecoder", "PropertyListSerialization", "NSUnarchiver", "dlopen(",
            "Process()", "posix_spawnp", "system(",
        ]
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            if text.contains("protobuf_c_message_unpack(") { unpacking.append(file.lastPathComponent) }
            guard file.path.contains("/PacelineWire/") || file.path.contains("/PacelineCluster/") else { continue }
            for word in forbidden { #expect(!text.contains(word), "\(file.lastPathComponent) has \(word)") }
            #expect(!text.contains("Decodable") && !text.contains("JSONSerialization"), "\(file.lastPathComponent)")
        }
        #expect(unpacking == ["ProtobufStructure.swift"], "one place unpacks what a peer sent")
        // Nor can a peer choose another one: bits of `capabilities` that nobody knows are ignored.
        let hello = ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1).bytes(4, [0x77]).fixed64(5, 7)
            .varint(7, .max).varint(8, 1)
        #expect(Wire.read(Wire.frame(.hello, payload: hello.bytes), phase: .handshake).error == nil)
    }

    // MARK: Lengths

    @Test("CVE-2021-36155: no length that a peer announces makes the reader allocate")
    func announcedLengths() {
        for (type, cap) in [(MessageType.open, 1 << 20), (.tree, 64 << 10), (.close, 16 << 10), (.fault, 4 << 10)] {
            for length in [cap, cap + 1, 1 << 31, Int(UInt32.max)] {
                var reader = MessageReader(phase: Self.established)
                reader.append(ByteBuffer(bytes: Wire.header(type: type.rawValue, length: UInt32(length))))
                do throws(WireError) {
                    let received = try reader.next()
                    #expect(received == nil && length <= cap)
                } catch {
                    #expect(length > cap, "\(error)")
                }
                #expect(reader.buffer.capacity < 4096, "\(length) announced, \(reader.buffer.capacity) allocated")
            }
        }
    }

    @Test("CVE-2026-61695: lengths that are negative as signed numbers are refused")
    func negativeLengths() {
        for length: UInt64 in [1 << 31, (1 << 32) - 1, (1 << 63) - 1, 1 << 63, .max] {
            for field in [4, 6, 10] {
                let payload = ProtobufPayload.varint(UInt64(field << 3 | 2)) + ProtobufPayload.varint(length)
                let read = Wire.read(Wire.frame(.hello, payload: payload), phase: .handshake)
                #expect(read.error == .message(MessageError(type: .hello, problem: .malformed)))
            }
        }
        // Eleven bytes are no number.
        let endless = [UInt8](repeating: 0xff, count: 10) + [1]
        #expect(Wire.read(Wire.frame(.ping, payload: [8] + endless)).messages.isEmpty)
    }

    @Test("CVE-2021-36154: a hundred thousand messages in one read take no more stack than one")
    func manyMessages() throws {
        let one = Wire.frame(.ping, payload: [8, 1])
        var bytes: [UInt8] = []
        for sequence in 1...100_000 as ClosedRange<UInt64> {
            bytes += sequence == 1 ? one : Wire.frame(.ping, payload: [8, 1], sequence: sequence)
        }
        let count = Box()
        let stream = bytes
        let thread = Thread {
            count.value = Wire.read(stream, phase: Self.established).messages.count
            count.isDone.signal()
        }
        // A frame of the stack for each message would need megabytes.
        thread.stackSize = 256 << 10
        thread.start()
        count.isDone.wait()
        #expect(count.value == 100_000)
    }

    private final class Box: @unchecked Sendable {
        var value = 0
        let isDone = DispatchSemaphore(value: 0)
    }
}
