import Foundation
import PacelineChat
import PacelineSpeculation
import Testing

/// Mutated templates: each is rendered or refused with a typed error, within its limits.
///
/// `PACELINE_FUZZ_RUNS=1000000 swift test --filter TemplateFuzzTests` is the long run; `PACELINE_FUZZ_SEED` chooses
/// other templates.
@Suite("Mutated chat templates")
struct TemplateFuzzTests {
    private static let templates = [
        "{% for message in messages %}<|{{ message.role }}|>{{ message['content'] | trim }}\n{% endfor %}",
        "{%- set ns = namespace(seen=false, n=0) -%}{% for m in messages if m.role != 'system' %}"
            + "{% set ns.n = ns.n + loop.index0 %}{{ loop.first ~ ns.n }}{% endfor %}{{ ns.n % 3 }}",
        "{% macro turn(role, text='', *, sep='\\n') %}[{{ role|upper }}]{{ text|replace('a', 'b') }}{{ sep }}"
            + "{% endmacro %}{{ turn('user', messages[-1].content) }}{{ turn(text='x', role='y') }}",
        "{% if tools is defined and tools %}{{ tools | tojson(indent=2) }}{% elif not tools %}none{% endif %}",
        "{{ raise_exception('roles must alternate: ' + messages[0]['role']) if messages|length > 9 else 'ok' }}",
        "{{ messages | map(attribute='role') | list | join(', ') }}{{ messages[::-1][:2] | length }}{{ 'a' in 'abc' }}",
        "{% set x = {'a': [1, 2.5, none], 'b': (true, 'c')} %}{{ x.items() | list }}{{ x['a'][1:] }}"
            + "{{ x.get('z', 7) }}",
        "{% for k, v in messages[0] | dictsort %}{{ k ~ '=' ~ v }}"
            + "{% if loop.last %}.{% else %},{% endif %}{% endfor %}",
        "{{ 'Hello World'.split(' ')[0].lower().startswith('h') }}{{ '%s-%05.2f' % ('x', 3.14159) }}{{ 7 // 2 ** 2 }}",
        "{# comment #}{% raw %}{{ not this }}{% endraw %}{{- ' kept ' -}}{% filter upper %}abc{% endfilter %}",
        "{% for i in range(3) %}{% for j in range(i, 10, 2) %}"
            + "{{ i * j }}{% continue %}{% endfor %}{% break %}{% endfor %}",
        "{% set content %}{{ messages[0].content }}{% endset %}{{ content | length }}{{ strftime_now('%d %b %Y') }}",
        "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | first "
            + "| default('-', true) }}",
        "{% for a in range(300) %}{% for b in range(300) %}{{ a * b }}{% endfor %}{% endfor %}",
        "{% call(x) wrap() %}{{ x }}{% endcall %}{{ lipsum is undefined }}{{ (1, 2)[0] if 1 < 2 <= 3 else [] }}",
    ]

    private static let fragments = [
        "{% for x in range(10000) %}", "{% endfor %}", "{% if ", "{% endif %}", "{{", "}}", "{%", "%}", "{#", "#}", "-",
        "|",
        "range(99999999)", " * 1000000000", " ** 9999", "[0:-1:-1]", "'", "\"", "\\", "(", ")", "[", "]", "{", "}",
        ".x",
        "[-99999999999]", "loop", "loop.next", "messages", "~ messages", "|list", "|tojson", "|join", "|sort",
        "|batch(3)",
        "%s", " in ", " is not ", " and ", "none", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "\u{0}",
        "\u{FEFF}", "é",
        "((((((((((((((((((((", "[[[[[[[[[[[[[[[[[[[[", "not not not not ", "1e308", "9223372036854775807", " - -",
        "\r\n",
    ]

    private static let context = """
        {"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi there \\u00e9"},
         {"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":{"a":[1,2]}}}]},
         {"role":"user","content":[{"type":"text","text":"and now?"}]}],
         "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
         "add_generation_prompt":true,"bos_token":"<s>","eos_token":"</s>","date":"today"}
        """

    private struct Mutator {
        var random: SplitMix

        mutating func draw(_ count: Int) -> Int { count == 0 ? 0 : Int(random.next() % UInt64(count)) }

        mutating func template() -> String {
            var scalars = Array(TemplateFuzzTests.templates[draw(TemplateFuzzTests.templates.count)].unicodeScalars)
            for _ in 0...draw(4) {
                let place = draw(scalars.count)
                switch draw(6) {
                case 0: scalars[place] = Unicode.Scalar(UInt8(draw(128)))
                case 1: scalars.removeSubrange(place..<min(scalars.count, place + 1 + draw(12)))
                case 2:
                    let copied = scalars[place..<min(scalars.count, place + draw(60))]
                    scalars.insert(contentsOf: copied, at: draw(scalars.count))
                case 3:
                    let other = Array(
                        TemplateFuzzTests.templates[draw(TemplateFuzzTests.templates.count)].unicodeScalars
                    )
                    let start = draw(other.count)
                    scalars.insert(contentsOf: other[start..<min(other.count, start + draw(60))], at: place)
                default:
                    let fragment = TemplateFuzzTests.fragments[draw(TemplateFuzzTests.fragments.count)]
                    scalars.insert(contentsOf: Array(fragment.unicodeScalars), at: place)
                }
                if scalars.isEmpty { scalars = ["{"] }
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            return String(text)
        }
    }

    /// Small, so that each template has a part of a second in a debug build, too.
    private static var limits: TemplateLimits {
        var limits = TemplateLimits()
        (limits.work, limits.output) = (500_000, 100_000)
        return limits
    }

    private static func memory() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4096
    }

    @Test("are rendered or refused in time, and leave nothing behind")
    func templates() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["PACELINE_FUZZ_RUNS"].flatMap { Int($0) } ?? 5000
        let seed = environment["PACELINE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        guard case .mapping(let context) = try JSONReader.read(Self.context, isMessage: true) else {
            throw TemplateError.limit("the context is no object")
        }
        var mutator = Mutator(random: SplitMix(seed: seed))
        var outcomes: [String: Int] = [:]
        var start = 0
        for index in 0..<count {
            if index == count / 10 { start = try Self.memory() }
            let template = mutator.template()
            let began = ContinuousClock.now
            outcomes[Self.outcome(of: template, context), default: 0] += 1
            let elapsed = began.duration(to: .now)
            #expect(elapsed < .seconds(1), "\(elapsed) for \(template)")
        }
        #expect(outcomes.values.reduce(0, +) == count)
        for outcome in ["rendered", "syntax", "failed", "limit"] {
            #expect(outcomes[outcome, default: 0] > count / 1000, "\(outcomes)")
        }
        #expect(try Self.memory() - start < 1 << 28)
    }

    @Test("that repeat something empty a billion times give nothing, at once", arguments: ["''", "[]", "()"])
    func nothing(empty: String) throws {
        let template = try ChatTemplate("{{ (\(empty) * 1000000000) | length }}", limits: Self.limits)
        #expect(try template.render(TemplateMapping()).string == "0")
    }

    private static func outcome(of template: String, _ context: TemplateMapping) -> String {
        do throws(TemplateError) {
            let text = try ChatTemplate(template, limits: limits).render(context)
            #expect(text.string.unicodeScalars.count <= limits.output)
            return "rendered"
        } catch {
            switch error {
            case .syntax: return "syntax"
            case .refused: return "refused"
            case .failed: return "failed"
            case .limit: return "limit"
            }
        }
    }
}
