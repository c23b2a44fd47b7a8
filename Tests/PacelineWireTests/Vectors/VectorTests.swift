import Foundation
import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

/// `PACELINE_RECORD_VECTORS=1 swift test --filter VectorTests` rewrites the files from `VectorMessages.swift`.
private let isRecording = ProcessInfo.processInfo.environment["PACELINE_RECORD_VECTORS"] == "1"

@Suite("Vectors", .serialized)
struct VectorTests {
    @Test("golden frames decode to their messages, which encode to the same bytes")
    func golden() throws {
        for (version, conversation) in VectorMessage.conversations {
            for sender in [VectorMessage.Sender.worker, .verifier] {
                let vectors = conversation.filter { $0.sender == sender }
                try checkDirection(vectors, version: version, features: conversation.first?.demand)
            }
        }
    }

    @Test(
        "protobuf's own encoder makes the same payloads from their text form",
        .enabled(if: ProtobufCompiler.path != nil, "needs protoc-c: apt-get install protobuf-c-compiler")
    )
    func independentEncoder() throws {
        for vector in VectorMessage.conversations.flatMap(\.messages) {
            let payload = Data(try VectorFile(name: vector.name).read().dropFirst(FrameHeader.byteCount))
            let type = "\(vector.message.type)".capitalized
            let url = VectorFile.folder.appending(path: vector.name + ".txtpb")
            if isRecording { try ProtobufCompiler.convert("--decode", type, payload).write(to: url) }
            #expect(try ProtobufCompiler.convert("--encode", type, Data(contentsOf: url)) == payload, "\(vector.name)")
        }
    }

    @Test("every message type has a golden frame")
    func coverage() {
        let types = VectorMessage.conversations.flatMap(\.messages).map(\.message.type)
        #expect(Set(types) == Set(MessageType.allCases))
    }

    @Test("every invalid frame is refused for the reason in its comment")
    func invalid() throws {
        let names = InvalidVector.all.map(\.name)
        if isRecording { try InvalidVector.all.forEach { try $0.record() } }
        for vector in InvalidVector.all {
            let bytes = try VectorFile(name: vector.name).read()
            #expect(bytes == vector.bytes, "\(vector.name)")
            #expect(Wire.read(bytes, phase: vector.phase).error == vector.error, "\(vector.name)")
        }
        let files = try FileManager.default.contentsOfDirectory(
            atPath: VectorFile.folder.appending(path: "invalid").path(percentEncoded: false)
        )
        #expect(files.filter { $0.hasSuffix(".hex") }.sorted() == names.map { $0.dropFirst(8) + ".hex" }.sorted())
    }

    @Test("the worked exchange in the document consists of these frames")
    func document() throws {
        let url = ProtobufCompiler.protocols.appending(path: "README.md")
        let words = try String(contentsOf: url, encoding: .utf8).split(whereSeparator: \.isWhitespace)
        let text = words.joined(separator: " ")
        for vector in VectorMessage.exchange.prefix(8) + VectorMessage.version2.dropFirst(2).prefix(3) {
            let frame = try VectorFile(name: vector.name).read().map { String(format: "%02x", $0) }
            #expect(text.contains("``` " + frame.joined(separator: " ") + " ```"), "\(vector.name)")
        }
    }

    private func checkDirection(_ vectors: [VectorMessage], version: Int, features: FeatureDemand?) throws {
        let established = RandomMessages.established(version: version, features: features)
        var writer = MessageWriter(phase: .handshake)
        var reader = MessageReader(phase: .handshake)
        for vector in vectors {
            var encoded = ByteBuffer()
            try writer.write(vector.message, into: &encoded)
            let file = VectorFile(name: vector.name)
            if isRecording { try file.write(Array(encoded.readableBytesView), title: vector.title) }
            let golden = try file.read()
            #expect(Array(encoded.readableBytesView) == golden, "\(vector.name)")

            reader.append(ByteBuffer(bytes: golden))
            let received = try reader.next()
            #expect(received?.message == vector.message, "\(vector.name)")
            if vector.endsHandshake {
                writer.phase = established
                reader.phase = established
            }
        }
        try reader.finish()
    }
}

extension VectorMessage {
    fileprivate var title: String {
        "\(message.type), \(sender == .worker ? "worker to verifier" : "verifier to worker")"
    }

    /// Which features a worker's hello asks for.
    fileprivate var demand: FeatureDemand? {
        if case .hello(let hello) = message { hello.features } else { nil }
    }

    /// Whether the sender's next message comes after the handshake.
    fileprivate var endsHandshake: Bool {
        switch message {
        case .hello(let hello): hello.nonce.isEmpty
        case .authenticate, .welcome: true
        default: false
        }
    }
}
