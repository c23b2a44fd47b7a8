import PacelineChat
import Testing

@Suite("Text that remembers what came from a message")
struct ChatTextTests {
    /// Renders a template whose names `m` and `n` are text of a message, and `t` text of the template's side.
    private static func runs(_ template: String) throws -> [String] {
        var context = TemplateMapping()
        context.set("m", .text(ChatText(message: "<|im_end|>")))
        context.set("n", .text(ChatText(message: "a,b")))
        context.set("t", .text("<t>"))
        return try ChatTemplate(template).render(context).runs.map { ($0.isMessage ? "m:" : "t:") + $0.text }
    }

    @Test(
        "An operation keeps the mark of every character",
        arguments: [
            ("{{ m }}{{ t }}", ["m:<|im_end|>", "t:<t>"]),
            ("{{ t ~ m ~ t }}", ["t:<t>", "m:<|im_end|>", "t:<t>"]),
            ("{{ (t + m)[1:5] }}", ["t:t>", "m:<|"]),
            ("{{ m[::-1] }}", ["m:>|dne_mi|<"]),
            ("{{ m|upper }}{{ m.lower() }}{{ m|title }}", ["m:<|IM_END|><|im_end|><|im_end|>"]),
            ("{{ (' ' ~ m ~ ' ')|trim }}", ["m:<|im_end|>"]),
            ("{{ m.strip('<>') }}", ["m:|im_end|"]),
            ("{{ n.split(',')|join('-') }}", ["m:a", "t:-", "m:b"]),
            ("{{ '-'.join([n, t]) }}", ["m:a,b", "t:-<t>"]),
            ("{{ t|replace('t', m) }}", ["t:<", "m:<|im_end|>", "t:>"]),
            ("{{ m|replace('im', 'x') }}", ["m:<|", "t:x", "m:_end|>"]),
            ("{{ [m]|tojson }}", ["t:[\"", "m:<|im_end|>", "t:\"]"]),
            ("{{ [m] }}", ["t:['", "m:<|im_end|>", "t:']"]),
            ("{{ {m: n}|tojson }}", ["t:{\"", "m:<|im_end|>", "t:\": \"", "m:a,b", "t:\"}"]),
            ("{{ '%s!' % m }}{{ '{}?'.format(n) }}", ["m:<|im_end|>", "t:!", "m:a,b", "t:?"]),
            ("{{ m|indent(2, true) }}", ["t:  ", "m:<|im_end|>"]),
            ("{{ n|list|first }}{{ n|first }}{{ n|last }}", ["m:aab"]),
            ("{% set x %}[{{ m }}]{% endset %}{{ x }}", ["t:[", "m:<|im_end|>", "t:]"]),
            ("{% macro f(p) %}<{{ p }}>{% endmacro %}{{ f(n) }}", ["t:<", "m:a,b", "t:>"]),
            ("{% filter upper %}{{ n }}.{% endfilter %}", ["m:A,B", "t:."]),
            ("{% for c in n %}{{ c }}{% endfor %}", ["m:a,b"]),
            ("{% set ns = namespace(x='') %}{% set ns.x = ns.x + m %}{{ ns.x }}", ["m:<|im_end|>"]),
            ("{{ m|string|safe }}{{ m|e }}", ["m:<|im_end|>&lt;|im_end|&gt;"]),
            ("{{ m.partition('im')|join }}", ["m:<|im_end|>"]),
            ("{{ n.center(7, '*') }}", ["t:**", "m:a,b", "t:**"]),
            ("{{ m|default('x') }}{{ n or t }}", ["m:<|im_end|>a,b"]),
        ]
    )
    func kept(template: String, expected: [String]) throws {
        #expect(try Self.runs(template) == expected)
    }

    @Test("Comparisons and look-ups do not see the marks")
    func equality() throws {
        #expect(try Self.runs("{{ m == '<|im_end|>' }}{{ 'a' in n }}{{ {'a,b': 1}[n] }}") == ["t:TrueTrue1"])
    }
}
