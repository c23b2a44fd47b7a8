import NIOCore
import Testing

@testable import PacelineServer

@Suite("Server-sent events")
struct EventStreamTests {
    @Test("Written events are read back, however the bytes are split", arguments: [1, 2, 3, 7, 1000])
    func roundTrip(piece: Int) throws {
        let sent = [#"{"a":1}"#, "", "ünï", "[DONE]"].map { Array($0.utf8) }
        let bytes = sent.flatMap { Array(EventStream.event($0).readableBytesView) }
        var parser = EventStream.Parser()
        var received: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            received += try parser.append(bytes[start..<min(bytes.count, start + piece)])
        }
        #expect(received == sent)
    }

    @Test("Comments, other fields, multi-line data and all line ends are understood")
    func syntax() throws {
        let text = ": hello\r\nevent: x\r\ndata:one\r\ndata: two\r\n\r\nid: 7\rdata: three\r\r\n\ndata: four\n\n"
        var parser = EventStream.Parser()
        let received = try parser.append(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
        #expect(received == ["one\ntwo", "three", "four"])
    }

    @Test("An event beyond the limit is an error and is not buffered")
    func limit() {
        var parser = EventStream.Parser()
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: EventStream.Parser.eventLimit + 1)
        #expect(throws: EventStream.TooLong.self) { try parser.append(line) }
    }
}
