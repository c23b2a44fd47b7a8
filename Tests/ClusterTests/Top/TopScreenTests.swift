import Foundation
import PacelineMetrics
import PacelineServer
import Testing

@testable import paceline

/// What `paceline top` shows, as a function of what the server said.
@Suite("The screen of top")
struct TopScreenTests {
    /// A verifier's metrics after some rounds.
    private func metrics(tokens: Int, drafts: Int = 0, accepted: [Int] = [], waits: [Double] = []) throws
        -> MetricSamples
    {
        var histogram = Histogram([0.1, 0.2, 0.4, 0.8])
        for wait in waits { histogram.record(wait) }
        let perPosition = accepted.enumerated().map {
            (MetricLabels([("position", "\($0.offset)")]), Double($0.element))
        }
        let families: [MetricFamily] = [
            .gauge("paceline_num_requests_running", "R.", [(.none, 3)]),
            .gauge("vllm:num_requests_running", "R.", [(["model_name": "tiny"], 3)]),
            .gauge("paceline_num_requests_waiting", "W.", [(.none, 2)]),
            .gauge("paceline_kv_cache_usage_perc", "K.", [(.none, 0.25)]),
            .counter("paceline_generation_tokens", "T.", [(.none, Double(tokens))]),
            .counter("paceline_spec_decode_num_drafts", "D.", [(.none, Double(drafts))]),
            .counter("paceline_spec_decode_num_draft_tokens", "D.", [(.none, Double(4 * drafts))]),
            .counter("paceline_spec_decode_num_accepted_tokens", "A.", [(.none, Double(accepted.reduce(0, +)))]),
            .counter("paceline_spec_decode_num_accepted_tokens_per_pos", "A.", perPosition),
            .gauge("paceline_verify_pass_seconds", "P.", [(["rows": "1"], 0.005), (["rows": "16"], 0.02)]),
            .histogram("paceline_time_to_first_token_seconds", "F.", [(.none, histogram)]),
        ]
        return try MetricSamples(Exposition.text(of: families))
    }

    private func history(_ readings: [(seconds: Int, metrics: MetricSamples)], workers: Int = 2) -> TopHistory {
        var history = TopHistory()
        for (seconds, metrics) in readings {
            let list = (0..<workers).map { index in
                WorkerContribution(
                    id: "worker-\(index)",
                    drafter: "ngram",
                    numDraftTokens: 100,
                    numAcceptedTokens: 10 * index,
                    isResting: index == 1,
                    restReason: index == 1 ? "drafts do not pay" : nil
                )
            }
            history.add(TopReading(time: .seconds(seconds), metrics: metrics, workers: list, slots: 4))
        }
        return history
    }

    private func busy() throws -> TopHistory {
        history([
            (0, try metrics(tokens: 1000, drafts: 10, accepted: [5, 5], waits: [0.7, 0.7, 0.7])),
            (1, try metrics(tokens: 1100, drafts: 60, accepted: [45, 25], waits: [0.7, 0.7, 0.7, 0.15, 0.15])),
            (2, try metrics(tokens: 1300, drafts: 110, accepted: [85, 45], waits: [0.7, 0.7, 0.7, 0.15, 0.15, 0.15])),
        ])
    }

    @Test func ratesAndSharesAreThoseOfTheReadingsShown() throws {
        let figures = try #require(TopFigures(busy()))
        #expect(figures.model == "tiny")
        #expect(figures.tokensPerSecond == 150)
        #expect(figures.drafting.acceptance == 0.3)
        #expect(figures.drafting.acceptanceByDepth == [0.8, 0.4])
        #expect(figures.drafting.meanAcceptanceLength == 2.2)
        // The slow ones were before the first reading.
        #expect(figures.timeToFirstToken.map { (100...200).contains($0.median) } == true)
        #expect(figures.passTimes.map(\.rows) == [1, 16])
        #expect(figures.requests.slots == 4)
    }

    @Test func aGatewayShowsWhatItRelays() throws {
        var history = TopHistory()
        for second in 0..<3 {
            let families: [MetricFamily] = [
                .counter("paceline_gateway_relayed_tokens", "T.", [(.none, Double(1000 + 100 * second))]),
                .gauge("paceline_gateway_requests_running", "R.", [(.none, 7)]),
            ]
            let metrics = try MetricSamples(Exposition.text(of: families))
            history.add(TopReading(time: .seconds(second), metrics: metrics))
        }
        let figures = try #require(TopFigures(history))
        #expect(figures.tokensPerSecond == 100 && figures.requests.running == 7 && history.speeds == [100, 100])
        let text = TopScreen(history, address: "a").lines(width: 100, height: 50).joined(separator: "\n")
        #expect(text.contains("7 running") && !text.contains("waiting") && !text.contains("accepted by depth"))
    }

    @Test func figuresThatAreNoNumbersAreLeftOut() throws {
        var history = TopHistory()
        for value in ["0", "+Inf", "1e300", "NaN"] {
            let text = "# TYPE paceline_generation_tokens counter\npaceline_generation_tokens_total \(value)\n"
            history.add(TopReading(time: .seconds(history.readings.count), metrics: try MetricSamples(text)))
            #expect(!TopScreen(history, address: "a").lines(width: 80, height: 40).isEmpty)
        }
    }

    @Test func anIdleServerShowsTheFiguresOfItsWholeLife() throws {
        let idle = try metrics(tokens: 1000, drafts: 10, accepted: [5, 5], waits: [0.7, 0.7])
        let figures = try #require(TopFigures(history([(0, idle), (1, idle)])))
        #expect(figures.tokensPerSecond == 0)
        #expect(figures.drafting.acceptance == 0.25)
        #expect(figures.timeToFirstToken.map { (400...800).contains($0.median) } == true)
    }

    @Test func readingsOlderThanTheWindowAreForgotten() throws {
        var readings: [(Int, MetricSamples)] = []
        for second in 0..<40 { readings.append((second, try metrics(tokens: second < 20 ? 0 : 10 * (second - 20)))) }
        let history = history(readings)
        #expect(TopFigures(history)?.tokensPerSecond == 10)
        #expect(history.speeds.count == 39)
    }

    @Test func aServerThatStartedAnewIsNotComparedWithTheOneBefore() throws {
        let history = history([
            (0, try metrics(tokens: 500)), (1, try metrics(tokens: 900)), (2, try metrics(tokens: 3)),
        ])
        #expect(history.readings.count == 1)
        #expect(TopFigures(history)?.tokensPerSecond == nil)
    }

    @Test func noLineIsLongerAndNoScreenHigherThanTheTerminal() throws {
        for workers in [0, 1, 40] {
            let history = history(
                [
                    (0, try metrics(tokens: 0, drafts: 1, accepted: [1, 1, 0, 0, 0, 0])),
                    (1, try metrics(tokens: 1000, drafts: 9, accepted: [8, 7, 6, 5, 4, 3])),
                ],
                workers: workers
            )
            for width in [0, 1, 20, 80, 300] {
                for height in [0, 1, 5, 24, 100] {
                    let lines = TopScreen(history, address: "127.0.0.1:8080").lines(width: width, height: height)
                    #expect(lines.count <= height)
                    #expect(lines.allSatisfy { $0.count <= width && !$0.contains("\n") })
                }
            }
        }
    }

    @Test func workersThatDoNotFitAreCounted() throws {
        let history = history([(0, try metrics(tokens: 0))], workers: 40)
        let lines = TopScreen(history, address: "a:1").lines(width: 100, height: 24)
        let shown = lines.count { $0.hasPrefix("worker-") }
        #expect(shown > 2)
        #expect(lines.contains("and \(40 - shown) more workers"))
        #expect(
            TopScreen(history, address: "a:1").lines(width: 100, height: 200).count { $0.hasPrefix("worker-") } == 40
        )
    }

    @Test func theScreenSaysWhatIsImportant() throws {
        let text = TopScreen(try busy(), address: "127.0.0.1:8080").lines(width: 100, height: 40)
            .joined(separator: "\n")
        for words in [
            "127.0.0.1:8080", "tiny", "150.0", "3 running, 2 waiting, 4 slots", "25.0 %", "30.0 % accepted",
            "2.20 tokens a round", "rests: drafts do not pay", "5.0 ms", "20 ms",
        ] {
            #expect(text.contains(words), "\(words) in\n\(text)")
        }
    }

    @Test func aServerThatIsGoneIsSaidToBe() throws {
        let lines = TopScreen(try busy(), address: "a:1", fault: "it does not answer").lines(width: 80, height: 24)
        #expect(lines[1] == "no answer: it does not answer")
    }

    @Test func theLineForOtherOutputHasTheSameFigures() throws {
        let line = TopScreen(try busy(), address: "a:1").line
        #expect(line.hasPrefix("tokens/s 150.0  running 3  waiting 2  ttft p50 "))
        #expect(line.hasSuffix("accepted 30.0 %  kv 25.0 %  workers 2"))
    }

    @Test func theSparklineEndsWithTheLatestSpeed() {
        #expect(TopScreen.sparkline([0, 1, 2, 4], width: 3) == "▃▅█")
        #expect(TopScreen.sparkline([0, 0], width: 10) == "▁▁")
        #expect(TopScreen.sparkline([1, 2], width: 0) == "")
    }
}
