import PacelineChat

/// Chat templates from model files, rendered with names from a client. A zero byte ends the template; behind it comes
/// JSON with the names, or nothing for a conversation of two messages.
struct TemplateTarget: FuzzTarget {
    private static let names = """
        {"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi <|im_end|>"}],
         "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
         "add_generation_prompt":true,"bos_token":"<s>","eos_token":"</s>"}
        """

    /// So small that an input takes some milliseconds.
    private static var limits: TemplateLimits {
        var limits = TemplateLimits()
        (limits.work, limits.output) = (100_000, 1 << 15)
        return limits
    }

    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let source = String(decoding: parts[0], as: UTF8.self)
        let names = parts.count > 1 && !parts[1].isEmpty ? String(decoding: parts[1], as: UTF8.self) : Self.names
        do {
            guard case .mapping(let context) = try JSONReader.read(names, isMessage: true) else { return false }
            let text = try ChatTemplate(source, limits: Self.limits).render(context)
            guard text.count <= Self.limits.output else { throw FuzzFinding("\(text.count) characters of output") }
            try Self.checkRuns(of: text)
            return true
        } catch let error where error is TemplateError || error is JSONReader.Failure {
            guard !"\(error)".isEmpty else { throw FuzzFinding("refused without a reason") }
            return false
        }
    }

    /// The runs, which say what may become control tokens, are the text.
    private static func checkRuns(of text: ChatText) throws {
        let joined = text.runs.map(\.text).joined()
        guard joined.unicodeScalars.elementsEqual(text.string.unicodeScalars) else {
            throw FuzzFinding("the runs are \(joined.debugDescription), and not \(text.string.debugDescription)")
        }
    }

    func seeds() throws -> [FuzzSeed] {
        let templates = [
            "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] | trim }}\n{% endfor %}",
            "{%- set ns = namespace(n=0) -%}{% for m in messages if m.role != 'system' %}"
                + "{% set ns.n = ns.n + loop.index0 %}{{ loop.first ~ ns.n }}{% endfor %}{{ ns.n % 3 }}",
            "{% macro t(r, x='', *, s='\\n') %}[{{ r|upper }}]{{ x|replace('a', 'b') }}{{ s }}{% endmacro %}"
                + "{{ t('user', messages[-1].content) }}",
            "{% if tools is defined and tools %}{{ tools | tojson(indent=2) }}{% elif not tools %}-{% endif %}",
            "{{ raise_exception('no') if messages|length > 9 else 'ok' }}",
            "{{ messages | map(attribute='role') | list | join(', ') }}{{ messages[::-1][:2] | length }}",
            "{% set x = {'a': [1, 2.5, none], 'b': (true, 'c')} %}{{ x.items() | list }}{{ x.get('z', 7) }}",
            "{{ 'Hello'.split('l')[0].lower().startswith('h') }}{{ '%s-%05.2f' % ('x', 3.1) }}{{ 7 // 2 ** 2 }}",
            "{# c #}{% raw %}{{ x }}{% endraw %}{{- ' k ' -}}{% filter upper %}abc{% endfilter %}",
            "{% for i in range(3) %}{% for j in range(i, 9, 2) %}{{ i * j }}{% continue %}{% endfor %}{% endfor %}",
            "{% set c %}{{ messages[0].content }}{% endset %}{{ c | length }}{{ strftime_now('%d %b %Y') }}",
            "{{ messages | selectattr('role', 'equalto', 'user') | first | default('-', true) | tojson }}",
            "{{ (1, 2)[0] if 1 < 2 <= 3 else [] }}{{ x is undefined }}{{ messages[0] | dictsort }}",
            "{% call(x) w() %}{{ x }}{% endcall %}{{ [1,2,3] | batch(2) | list }}{{ [3,1] | sort | first }}",
        ]
        let variables =
            #"{"messages":[],"n":-9223372036854775808,"f":1e308,"t":"\u00e9\ud83d\ude00","l":[[1],{"a":null}]}"#
        return templates.enumerated().map { FuzzSeed("template-\($0.offset)", Array($0.element.utf8)) } + [
            FuzzSeed(
                "names",
                Array("{{ n }}{{ f * 2 }}{{ t | upper }}{{ l | tojson }}".utf8) + [0] + Array(variables.utf8)
            )
        ]
    }
}
