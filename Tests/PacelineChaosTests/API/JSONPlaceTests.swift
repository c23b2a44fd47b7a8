import Testing

@testable import PacelineChaos

@Suite("Places in JSON")
struct JSONPlaceTests {
    private static let text = """
        {"a": [1, "]\\"", {"b" : {"c": true}}],
          "d": {"a": null, "e": -1.5e3},
         "a b": "x", "f": 1, "f": 2}
        """

    @Test(
        "are those of the values that steps lead to",
        arguments: [
            ([], 1, 1), ([.field("a")], 1, 7), ([.field("a"), .item(0)], 1, 8), ([.field("a"), .item(1)], 1, 11),
            ([.field("a"), .item(2)], 1, 18), ([.field("a"), .item(2), .field("b")], 1, 25),
            ([.field("a"), .item(2), .field("b"), .field("c")], 1, 31), ([.field("d"), .field("a")], 2, 14),
            ([.field("d"), .field("e")], 2, 25), ([.field("a b")], 3, 9),
        ] as [([JSONPlace.Step], Int, Int)]
    )
    func found(steps: [JSONPlace.Step], line: Int, column: Int) {
        let place = JSONPlace(of: steps, in: Self.text)
        #expect(place.line == line && place.column == column, "\(place)")
    }

    @Test("are those of the nearest value around what is not there")
    func missing() {
        for (steps, around) in [
            ([.field("d"), .field("x")], [.field("d")]), ([.field("a"), .field("x")], [.field("a")]),
            ([.field("a"), .item(3)], [.field("a")]),
        ] as [([JSONPlace.Step], [JSONPlace.Step])] {
            #expect(JSONPlace(of: steps, in: Self.text) == JSONPlace(of: around, in: Self.text))
        }
        #expect(JSONPlace(of: [.item(0)], in: "  5") == JSONPlace(offset: 2, in: "  5"))
    }

    @Test("of two fields with one name are the last one's, whose value counts")
    func twice() {
        #expect(JSONPlace(of: [.field("f")], in: Self.text).column == 27)
    }

    @Test(
        "need no valid JSON to end",
        arguments: ["", "{", "[", #"{"a"#, #"{"a\"#, #"{"a":"#, "[[[[", "{]", #"["a" "b"#, "}"]
    )
    func broken(text: String) {
        let place = JSONPlace(of: [.field("a"), .item(1)], in: text)
        #expect(place.line == 1 && place.column <= text.utf8.count + 2)
    }
}
