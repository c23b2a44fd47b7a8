#if DEBUG
    import Foundation
    import PacelineSpeculation
    import PacelineTestTraits
    import Testing

    @testable import PacelineSimulation

    @Suite("Planted bugs", .computing)
    struct PlantedBugTests {
        @Test("are found within the stated number of seeds, by the stated promise", arguments: BugHunt.all)
        func hunt(_ hunt: BugHunt) throws {
            let found = try #require(try hunt.run(), "\(hunt.bug) was not found within \(hunt.seeds) seeds")
            let promise = found.violation.promise
            #expect(hunt.promises.contains(promise), "seed \(found.seed): \(found.violation)")
            // It is the bug that was found, and nothing that the seed does anyway.
            #expect(try hunt.violation(seed: found.seed) == nil, "seed \(found.seed) without the bug")
        }

        @Test("are hunted one by one, all of them")
        func list() {
            let hunted = BugHunt.all.map(\.bug)
            #expect(Set(hunted).count == hunted.count)
            #expect(Set(hunted) == Set(PlantedBug.allCases))
        }

        @Test("make a campaign fail, and only with the bug")
        func canary() throws {
            var settings = Campaign.Settings(seeds: 1...20, jobs: 2)
            settings.determinismShare = 0
            #expect(try Campaign(settings).run().failure == nil)
            settings.plantedBug = .verdictSentTwice
            let failure = try #require(try Campaign(settings).run().failure)
            #expect(failure.violation?.promise == .falseAccusation)
            // The bug is planted where it was asked for, and nowhere else.
            #expect(PlantedBug.allCases.allSatisfy { !$0.isPlanted })
        }

        @Test("are in debug programs, and none of them in a release program", .enabled(if: Self.programs.count == 2))
        func release() throws {
            for (program, isDebug) in Self.programs {
                let bytes = try Data(contentsOf: program)
                let there = PlantedBug.allCases.filter { bytes.range(of: Data($0.rawValue.utf8)) != nil }
                // That a debug program has them shows that the search finds what is there.
                #expect(isDebug ? there.count >= 40 : there.isEmpty, "\(there) in \(program.path)")
            }
        }

        /// The programs of both builds that lie beside this test.
        private static let programs: [(URL, isDebug: Bool)] = {
            let own = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            return [("debug", true), ("release", false)].compactMap { name, isDebug in
                let folder = own.deletingLastPathComponent().appendingPathComponent(name)
                let program = folder.appendingPathComponent("paceline")
                return FileManager.default.fileExists(atPath: program.path) ? (program, isDebug) : nil
            }
        }()
    }
#endif
