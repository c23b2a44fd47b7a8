import Foundation
import PacelineCluster

@testable import PacelineChaos

/// Schedules for tests.
enum ScheduleText {
    /// The examples for users.
    static let examples = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../Deploy/chaos").standardizedFileURL

    static var exampleNames: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: examples.path())) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }

    static func example(_ name: String) throws -> NemesisSchedule {
        let text = try String(contentsOf: examples.appending(path: name), encoding: .utf8)
        return try NemesisSchedule(text, path: name)
    }

    /// Two processes, four links and one check, with these faults.
    static func schedule(_ faults: [String], length: String = "60s") throws -> NemesisSchedule {
        try NemesisSchedule(text(faults, length: length), path: "s.yaml")
    }

    static func text(_ faults: [String], length: String = "60s") -> String {
        """
        length: \(length)
        recovery: 10s
        ready: 5s
        processes:
          web: {run: sleep 1000}
          db: {port: 1, restart: "true"}
        links:
          a: {listen: "127.0.0.1:0", upstream: "127.0.0.1:9"}
          b: {listen: "127.0.0.1:0", upstream: "127.0.0.1:9"}
          c: {listen: "127.0.0.1:0", upstream: "127.0.0.1:9"}
          d: {listen: "127.0.0.1:0", upstream: "127.0.0.1:9"}
        checks:
          page: {http: "http://127.0.0.1:1/"}
        faults:
        \(faults.map { "  - \($0)" }.joined(separator: "\n"))
        """
    }

    /// One fault of every kind, with random times.
    static let everyKind = [
        "{partition: [a, b, c], pick: 2, every: 3s..9s, for: 1s..6s}",
        "{partition: d, direction: upstream, every: 5s..8s, for: 2s..9s}",
        "{down: [a, d], every: 6s..11s, for: 1s..3s}",
        "{flap: b, down: 100ms..900ms, up: 100ms..700ms, every: 10s..14s, for: 2s..5s}",
        "{swizzle: [a, b, c, d], every: 9s..17s, for: 2s..8s}",
        "{toxic: a, type: latency, attributes: {latency: 5}, every: 4s..8s, for: 1s..9s}",
        "{kill: [web, db], pick: 1, every: 5s..9s, for: 1s..4s}",
        "{pause: [web, db], every: 4s..7s, for: 1s..5s}",
        "{any: [{kill: web}, {pause: db, for: 3s}], every: 20s..25s}",
        "{heal: all, at: 40s}",
    ]
}
