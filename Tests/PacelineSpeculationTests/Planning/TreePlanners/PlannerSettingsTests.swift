import PacelineSpeculation
import Testing

@Suite("Settings of planners")
struct PlannerSettingsTests {
    @Test("a name alone has the default settings, and each setting can be changed")
    func values() throws {
        for name in PlannerName.allCases {
            let settings = try PlannerSettings(name.rawValue)
            #expect(settings.name == name && settings.description == name.rawValue)
            for (key, value) in name.defaults {
                #expect(settings[key] == value && key.range.contains(value))
            }
            #expect(try PlannerSettings(name.example).description == name.example)
            #expect((settings.makePlanner() == nil) == (name == .bestFirst))
        }
        let tree = try PlannerSettings("tree:width=3,depth=7")
        #expect(tree[.width] == 3 && tree[.depth] == 7)
        #expect(try PlannerSettings("opt-tree:gain=0.25")[.gain] == 0.25)
    }

    @Test(
        "settings that make no sense give one sentence that names what is possible",
        arguments: [
            ("", "there are best-first, chain, tree, eagle-2"),
            ("eagle", "there is no planner \"eagle\"; there are best-first"),
            ("Chain", "there are best-first"),
            ("chain:", "it has length, as in chain:length=5"),
            ("chain:width=3", "it has length"),
            ("chain:length", "it has length"),
            ("chain:length=3,", "it has length"),
            ("chain:length=0", "length of chain must be a whole number from 1 to 32, not \"0\""),
            ("chain:length=33", "from 1 to 32"),
            ("chain:length=2.5", "a whole number"),
            ("chain:length=3,length=4", "set twice"),
            ("opt-tree:gain=nan", "a number from 0 to 16, not \"nan\""),
            ("opt-tree:gain=inf", "a number from 0 to 16"),
            ("opt-tree:gain=-1", "a number from 0 to 16"),
            ("dyspec:threshold=1.5", "a number from 0 to 1"),
            ("specdec++:shortest=9,length=8", "shortest must not be greater"),
            ("best-first:nodes=3", "best-first has no settings"),
            ("rsd-c:seed=99999999999", "from 0 to 4294967295"),
        ]
    )
    func errors(text: String, words: String) {
        let error = #expect(throws: PlannerSettingsError.self) { try PlannerSettings(text) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        #expect(error?.description.contains("\n") == false)
    }
}
