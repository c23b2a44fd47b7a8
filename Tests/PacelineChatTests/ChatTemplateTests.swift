import PacelineChat
import Testing

@Suite("Chat templates")
struct ChatTemplateTests {
    private static func render(_ template: String, _ context: TemplateMapping = TemplateMapping()) throws -> String {
        try ChatTemplate(template).render(context).string
    }

    private static func failure(_ template: String, limits: TemplateLimits = TemplateLimits()) -> String? {
        do throws(TemplateError) {
            _ = try ChatTemplate(template, limits: limits).render(TemplateMapping())
            return nil
        } catch {
            return error.description
        }
    }

    @Test("A refusal carries the template's own words")
    func refusal() {
        let error = Self.failure("{% if true %}{{ raise_exception('roles must alternate') }}{% endif %}")
        #expect(error == "the model's chat template refuses this conversation: roles must alternate")
    }

    @Test(
        "An error says in which line what went wrong",
        arguments: [
            ("\n{{ a.b }}", "line 2: 'a' is undefined"),
            ("{{ 1 + 'a' }}", "line 1: unsupported operand types for add: 'int' and 'str'"),
            ("{% for %}", "line 1: unexpected the end of the statement; expected a name"),
            ("{% if x %}", "line 1: 'endif' is missing for the statement before"),
            ("a\n\n{% include 'x' %}", "line 3: unknown statement 'include'"),
            ("{{ x|pprint }}", "line 1: there is no filter 'pprint'"),
            ("{{ 'a }}", "line 1: a string has no end"),
            ("{{ (1 }}", "line 1: unexpected '}'"),
            ("{# x", "line 1: a comment has no end; '#}' is missing"),
            ("{{ 9223372036854775807 + 1 }}", "line 1: a number is too large"),
            ("{{ 1 % 0 }}", "line 1: division by zero"),
            ("{% break %}", "line 1: 'break' outside of a loop"),
        ]
    )
    func errors(template: String, words: String) throws {
        let error = try #require(Self.failure(template))
        #expect(error.contains(words), "\(error)")
    }

    @Test(
        "A template that does too much is stopped",
        arguments: [
            "{% for i in range(10 ** 12) %}{% endfor %}",
            "{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
            "{% set n = namespace(x=['ab']) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
            "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
            "{% set n = namespace(x=[1]) %}{% for i in range(99999) %}{% set n.x = [n.x] %}{% endfor %}",
            "{% set n = namespace(x='a' * 9999) %}{% for i in range(9) %}{% set n.x = n.x|replace('a', n.x) %}"
                + "{% endfor %}",
            "{{ 'a' * 10 ** 15 }}", "{{ 'a'.ljust(10 ** 15) }}", "{{ [1] * 10 ** 15 }}",
            "{{ " + String(repeating: "(", count: 9999) + "1" + String(repeating: ")", count: 9999) + " }}",
            "{{ " + String(repeating: "not ", count: 100_000) + "a }}",
            "{{ " + String(repeating: "-", count: 100_000) + "1 }}",
            "{{ a" + String(repeating: ".a", count: 100_000) + " }}",
            "{{ 1" + String(repeating: " + 1", count: 100_000) + " }}",
            String(repeating: "{% if a %}", count: 100_000),
        ]
    )
    func limits(template: String) {
        #expect(Self.failure(template)?.hasPrefix("the chat template was stopped") ?? false)
    }

    @Test("A namespace that holds itself is freed, and cannot be printed for ever")
    func cycle() {
        let template = "{% set n = namespace() %}{% set n.x = [n] %}{{ n }}"
        #expect(Self.failure(template)?.contains("or one that contains itself") ?? false)
    }

    @Test(
        "Where engines disagree, the text is Jinja2's (3.1.6; findings/chat-template-engines-disagree.sh)",
        arguments: [
            ("{% for m in [1, 2] %}[{{ date }}]{% endfor %}{% set date = 'x' %}", "[][]"),
            (
                "{% for m in [1, 2] %}[{{ date }}]{% endfor %}{% if m %}{% set date = 'x' %}{% endif %}",
                "[today][today]"
            ),
            (
                "{% for m in [1] %}[{{ date }}]{% endfor %}{% if 1 %}{% set date = 1 %}{% elif 1 %}"
                    + "{% set date = 2 %}{% else %}{% set date = 3 %}{% endif %}{{ date }}",
                "[today]1"
            ),
            ("{% for m in [1, 2] %}{{ m }}{% continue %}{% else %}none{% endfor %}", "12none"),
            ("{% for m in [1, 2] %}{{ m }}{% if m == 2 %}{% break %}{% endif %}{% else %}none{% endfor %}", "12"),
            ("{{ 1e-5 }} {{ 1e17 }} {{ 1e15 }} {{ 0.1 + 0.2 }}", "1e-05 1e+17 1000000000000000.0 0.30000000000000004"),
        ]
    )
    func engines(template: String, expected: String) throws {
        var context = TemplateMapping()
        context.set("date", .text("today"))
        #expect(try Self.render(template, context) == expected)
    }

    @Test("Mappings keep the order in which they were written")
    func order() throws {
        let json = #"{"z": 1, "a": {"y": [], "b": 18446744073709551615}, "m": 1.50, "a2": "\u00e9\ud83d\ude00\n"}"#
        var context = TemplateMapping()
        context.set("tool", try JSONReader.read(json))
        let expected = #"{"z": 1, "a": {"y": [], "b": 18446744073709551615}, "m": 1.5, "a2": "é😀\n"}"#
        #expect(try Self.render("{{ tool|tojson }}", context) == expected)
    }

    @Test(
        "The present time is the same everywhere",
        arguments: [(0, "01 Jan 1970 Thursday"), (1_709_164_800, "29 Feb 2024 Thursday")]
    )
    func time(seconds: Int, expected: String) throws {
        let template = try ChatTemplate("{{ strftime_now('%d %b %Y %A') }}")
        #expect(try template.render(TemplateMapping(), time: seconds).string == expected)
    }
}

@Suite("JSON in its written order")
struct JSONReaderTests {
    @Test(
        "What is not JSON is refused with its place",
        arguments: [
            ("", 0), ("[1,]", 3), ("{\"a\" 1}", 5), ("01", 2), ("1.", 2), ("\"a", 2), ("\"\\x\"", 3), ("[1] 2", 4),
            ("nul", 0), ("{a: 1}", 1), ("\"\u{01}\"", 1), ("-", 1), ("1e", 2), ("\"\\u12\"", 3),
        ]
    )
    func refused(text: String, offset: Int) {
        #expect { _ = try JSONReader.read(text) } throws: { ($0 as? JSONReader.Failure)?.offset == offset }
    }

    @Test("Nesting is limited")
    func nesting() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: JSONReader.Failure.self) { _ = try JSONReader.read(text) }
    }
}
