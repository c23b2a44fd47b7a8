import PacelineSpeculation
import Testing

@Suite("Settings of drafters without a model")
struct LookUpSettingsTests {
    @Test("a name alone has the default settings, and each setting can be changed")
    func values() throws {
        for kind in LookUpSettings.Kind.allCases where kind != .datastore {
            let settings = try #require(try LookUpSettings(kind.rawValue))
            #expect(settings.kind == kind && settings.description == kind.rawValue)
            for (key, value) in kind.defaults { #expect(settings[key] == value) }
            let example = try #require(try LookUpSettings(kind.example))
            #expect(example.description == kind.example)
        }
        let ngram = try #require(try LookUpSettings("ngram:max=6,min=3"))
        #expect(ngram[.max] == 6 && ngram[.min] == 3)
        for (text, bytes) in [("64MiB", 64 << 20), ("1GiB", 1 << 30), ("3KiB", 3 << 10), ("4096", 4096), ("0", 0)] {
            #expect(try LookUpSettings("suffix:memory=\(text)")?[.memory] == bytes)
        }
        let datastore = try #require(try LookUpSettings("datastore:/a/b.store,max=8"))
        #expect(datastore.path == "/a/b.store" && datastore[.max] == 8)
        #expect(datastore.description == "datastore:b.store,max=8")
    }

    @Test(
        "other names are left to models",
        arguments: ["", "model.gguf", "./ngram", "head:x", "ngrams:max=3", "/ngram:x"]
    )
    func others(name: String) throws {
        #expect(try LookUpSettings(name) == nil)
    }

    @Test(
        "a setting that makes no sense gives one sentence that names what is possible",
        arguments: [
            ("ngram:", "it has max and min, as in ngram:max=4,min=2"),
            ("ngram:memory=1", "it has max and min"),
            ("ngram:max", "it has max and min"),
            ("ngram:max=4,", "it has max and min"),
            ("ngram:max=x", "max of ngram must be 1 to 64, not \"x\""),
            ("ngram:max=65", "must be 1 to 64"),
            ("ngram:max=99999999999999999999", "must be 1 to 64"),
            ("ngram:max=2,min=3", "min must not be greater"),
            ("ngram:max=2,max=3", "set twice"),
            ("suffix:memory=64MB", "as in 64MiB"),
            ("suffix:memory=-1MiB", "as in 64MiB"),
            ("suffix:memory=9999999999GiB", "as in 64MiB"),
            ("suffix:memory=99999999999999999GiB", "as in 64MiB"),
            ("datastore", "paceline datastore build"),
            ("datastore:,max=3", "paceline datastore build"),
        ]
    )
    func errors(text: String, words: String) {
        let error = #expect(throws: LookUpSettingsError.self) { try LookUpSettings(text) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        #expect(error?.description.contains("\n") == false)
    }
}
