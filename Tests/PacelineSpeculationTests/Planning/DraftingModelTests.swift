import PacelineSpeculation
import Testing

@Suite("A model of drafting")
struct DraftingModelTests {
    /// Passes of 24 + 0.2 × rows milliseconds.
    private static func model(_ drafters: [DraftingModel.Drafter]) throws -> DraftingModel {
        let points = [1, 2, 4, 8, 16, 32, 64, 128].map {
            CostCurve.Point(rows: $0, milliseconds: 24 + 0.2 * Double($0))
        }
        return DraftingModel(
            costs: try CostCurve(points),
            policy: PlanningPolicy(),
            extraMilliseconds: 30,
            depth: 32,
            width: 4,
            drafters: drafters
        )
    }

    private static func drafter(_ share: Double, step: Double = 10, trip: Double = 1) -> DraftingModel.Drafter {
        DraftingModel.Drafter(
            shares: [share, (1 - share) / 2],
            stepMilliseconds: step,
            roundTripMilliseconds: trip
        )
    }

    private static func spread(_ workers: Int, over sequences: Int) -> [DraftingModel.Worker] {
        (0..<workers).map { worker in
            DraftingModel.Worker(
                drafter: 0,
                sequences: (0..<sequences).filter { $0 % workers == worker }
            )
        }
    }

    @Test func withoutWorkersEachSequenceGetsOneTokenAPass() throws {
        let model = try Self.model([])
        for sequences in [1, 4, 16] {
            let expected = Double(sequences) * 1000 / model.costs.milliseconds(rows: sequences)
            let found = model.tokensPerSecond(sequences: sequences, workers: [])
            #expect(abs(found - expected) < 0.001 * expected)
        }
        #expect(model.tokensPerSecond(sequences: 0, workers: []) == 0)
    }

    @Test func aWorkerThatIsAlwaysRightDraftsAsManyTokensAsItHasTimeFor() throws {
        let model = try Self.model([Self.drafter(1, trip: 0)])
        let found = model.tokensPerSecond(sequences: 1, workers: [DraftingModel.Worker(drafter: 0, sequences: [0])])
        // A token every 10 ms, and the target's own with each pass, one of which the worker drafted in vain.
        #expect(found > 95 && found < 105)
    }

    @Test func aWorkerThatIsNeverRightBringsNothing() throws {
        let model = try Self.model([
            DraftingModel.Drafter(shares: [0, 0], stepMilliseconds: 1, roundTripMilliseconds: 0)
        ])
        let plain = model.tokensPerSecond(sequences: 2, workers: [])
        #expect(model.tokensPerSecond(sequences: 2, workers: Self.spread(2, over: 2)) == plain)
    }

    @Test func moreWorkersNeverSlowDownAndStopHelpingOnceEachSequenceHasOne() throws {
        let model = try Self.model([Self.drafter(0.9)])
        let speeds = [1, 2, 3, 4].map { model.tokensPerSecond(sequences: 4, workers: Self.spread($0, over: 4)) }
        #expect(zip(speeds, speeds.dropFirst()).allSatisfy { $0 <= $1 * 1.01 })
        let twice = Self.spread(4, over: 4) + Self.spread(4, over: 4)
        #expect(abs(model.tokensPerSecond(sequences: 4, workers: twice) - speeds[3]) < 0.03 * speeds[3])
    }

    @Test func aLongerWayAndSlowerStepsCost() throws {
        let one = [DraftingModel.Worker(drafter: 0, sequences: [0])]
        let near = try Self.model([Self.drafter(0.8)]).tokensPerSecond(sequences: 1, workers: one)
        let far = try Self.model([Self.drafter(0.8, trip: 40)]).tokensPerSecond(sequences: 1, workers: one)
        let slow = try Self.model([Self.drafter(0.8, step: 20)]).tokensPerSecond(sequences: 1, workers: one)
        #expect(far < 0.95 * near && slow < 0.95 * near)
    }

    @Test func theSameQuestionHasTheSameAnswer() throws {
        let model = try Self.model([Self.drafter(0.7)])
        let workers = Self.spread(3, over: 5)
        #expect(
            model.tokensPerSecond(sequences: 5, workers: workers)
                == model.tokensPerSecond(sequences: 5, workers: workers)
        )
    }

    @Test func sequencesThatDoNotExistAreIgnored() throws {
        let model = try Self.model([Self.drafter(0.9)])
        let workers = [DraftingModel.Worker(drafter: 0, sequences: [0, 7, -1])]
        let alone = [DraftingModel.Worker(drafter: 0, sequences: [0])]
        #expect(
            model.tokensPerSecond(sequences: 1, workers: workers)
                == model.tokensPerSecond(sequences: 1, workers: alone)
        )
    }
}
