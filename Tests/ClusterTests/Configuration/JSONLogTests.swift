import Foundation
import Logging
import Testing

@testable import paceline

@Suite("The log as JSON")
struct JSONLogTests {
    @Test("is one object a line, with time, level, label, message and metadata")
    func line() {
        var handler = JSONLogHandler(label: "a", level: .debug)
        handler[metadataKey: "kept"] = "1"
        handler[metadataKey: "replaced"] = "1"
        let metadata: Logger.Metadata = ["replaced": "2", "list": ["x", .stringConvertible(3)], "map": ["k": "v"]]
        let event = LogEvent(
            level: .warning,
            message: "two\nlines \"and\" é",
            metadata: metadata,
            source: "s",
            file: "f",
            function: "g",
            line: 1
        )
        #expect(
            handler.line(event, time: Date(timeIntervalSince1970: 1_700_000_000.25))
                == #"{"label":"a","level":"warning","message":"two\nlines \"and\" é","# + #""metadata":{"kept":"1","#
                + #""list":["x","3"],"map":{"k":"v"},"replaced":"2"},"time":"2023-11-14T22:13:20.250Z"}"#
        )
    }

    @Test("leaves metadata out where there is none")
    func plain() {
        let event = LogEvent(level: .info, message: "m", metadata: nil, source: "s", file: "f", function: "g", line: 1)
        #expect(
            JSONLogHandler(label: "a", level: .info).line(event, time: Date(timeIntervalSince1970: 0))
                == #"{"label":"a","level":"info","message":"m","time":"1970-01-01T00:00:00.000Z"}"#
        )
    }
}
