import Foundation
import PacelineChat
import Testing

/// However a text is cut, the same calls and the same rest come out of it.
@Suite("The splitter of tool calls")
struct ToolCallSplitterTests {
    private static let tools: ToolDescriptions = {
        let text = """
            [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {
              "s": {"type": "string"}, "n": {"type": "integer"}, "b": {"type": ["boolean", "null"]},
              "u": {"anyOf": [{"type": "string"}, {"type": "number"}]}, "o": {"type": "object"}, "w": {}}}}},
             {"type": "function", "function": {"name": "g"}}]
            """
        return ToolDescriptions((try? JSONReader.read(text)) ?? .none)
    }()

    /// Takes a text in pieces, each of as many characters as `sizes` says in turn.
    private static func split(
        _ text: String,
        _ format: ToolCallFormat,
        sizes: [Int],
        limit: Int = .max
    ) -> [AnswerPart] {
        var splitter = ToolCallSplitter(format, tools: tools, limit: limit)
        var parts: [AnswerPart] = []
        var rest = text[...]
        var turn = 0
        while !rest.isEmpty {
            for part in splitter.append(String(rest.prefix(sizes[turn % sizes.count]))) { parts.add(part) }
            rest = rest.dropFirst(sizes[turn % sizes.count])
            turn += 1
        }
        for part in splitter.finish() { parts.add(part) }
        return parts
    }

    /// What comes out, in a form that is easy to write down: text as it is, and calls as `«name arguments»`.
    private static func written(_ parts: [AnswerPart]) -> String {
        var text = ""
        for (place, part) in parts.enumerated() {
            switch part {
            case .content(let content): text += content
            case .call(_, let name): text += "«\(name) "
            case .arguments(_, let arguments):
                text += arguments
                let goesOn = if place + 1 < parts.count, case .arguments = parts[place + 1] { true } else { false }
                text += goesOn ? "" : "»"
            }
        }
        return text
    }

    private typealias Case = (text: String, written: String)

    private static let cases: [ToolCallFormat: [Case]] = [
        .hermes: [
            ("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"s\": \"x\"}}\n</tool_call>", "«f {\"s\": \"x\"}»"),
            (
                "I look.\n\n<tool_call>\n{\"name\":\"f\",\"arguments\":{}}\n</tool_call>\n<tool_call>"
                    + "{\"arguments\": {\"a\": [1, {}]}, \"name\": \"g\"}</tool_call>\n",
                "I look.«f {}»«g {\"a\": [1, {}]}»"
            ),
            // Neither the end marker nor arguments, but another tool's name.
            ("<tool_call>{\"name\": \"h\"}", "«h {}»"),
            ("<tool_call>{\"name\": \"f\", \"arguments\": null}</tool_call> Done. ", "«f {}»Done. "),
            ("<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"n\\\": 1}\"}</tool_call>", "«f {\"n\": 1}»"),
            ("<tool_call>{\"name\": \"f\", \"name\": \"g\", \"x\": [], \"parameters\": {}}", "«g {}»"),
            // Markers and braces in strings.
            (
                "<tool_call>{\"name\": \"f\", \"arguments\": {\"s\": \"}}</tool_call>\\\"{\\u00e9\"}}</tool_call>",
                "«f {\"s\": \"}}</tool_call>\\\"{\\u00e9\"}»"
            ),
            // What is no call.
            ("", ""), (" \n", " \n"), ("a < b <tool> <tool_cal", "a < b <tool> <tool_cal"),
            ("<<tool_call>{\"name\":\"f\"}", "<«f {}»"),
            ("{\"name\": \"f\", \"arguments\": {}}", "{\"name\": \"f\", \"arguments\": {}}"),
            // Broken calls, of which nothing is lost.
            ("x <tool_call>\nnot JSON</tool_call> y", "x <tool_call>\nnot JSON</tool_call> y"),
            (" <tool_call>\n<tool_call>\n{\"name\": \"f\"}\n</tool_call>", " <tool_call>\n«f {}»"),
            ("<tool_call>{\"name\": \"f\", \"a\": {\"s\": 1", "<tool_call>{\"name\": \"f\", \"a\": {\"s\": 1"),
            ("<tool_call>{\"name\": \"f\", \"a\": {\"s\": 01}}", "<tool_call>{\"name\": \"f\", \"a\": {\"s\": 01}}"),
            ("<tool_call>{\"name\": \"f\", \"arguments\": [1]}", "<tool_call>{\"name\": \"f\", \"arguments\": [1]}"),
            ("<tool_call>{\"name\": 7}</tool_call>", "<tool_call>{\"name\": 7}</tool_call>"),
            ("<tool_call>{\"a\": \"line\nbreak\"}", "<tool_call>{\"a\": \"line\nbreak\"}"),
            ("<tool_call>{} </tool_call>", "<tool_call>{} </tool_call>"),
            ("<tool_call>{\"name\": \"\"}", "<tool_call>{\"name\": \"\"}"),
            ("<tool_call>{\"name\": \"f\"} </tool_x", "«f {}»</tool_x"),
            ("<tool_call>{\"name\": \"f\"}}\n</tool_call>", "«f {}»}\n</tool_call>"),
            ("<tool_call>{\"name\": \"f\"}</tool_call></tool_call>", "«f {}»</tool_call>"),
            ("größer <tool_call>ü", "größer <tool_call>ü"),
        ],
        .qwenCoder: [
            (
                "Sure.\n<tool_call>\n<function=f>\n<parameter=s>\n12\n</parameter>\n<parameter=n>\n12\n</parameter>\n"
                    + "</function>\n</tool_call>",
                "Sure.«f {\"s\": \"12\", \"n\": 12}»"
            ),
            ("<function=g></function>", "«g {}»"),
            (
                "<tool_call><function=f><parameter=b>true</parameter><parameter=u>1.5</parameter>"
                    + "<parameter=o>{\"a\": 1}</parameter><parameter=w>7</parameter></function></tool_call>\n\nOk",
                "«f {\"b\": true, \"u\": 1.5, \"o\": {\"a\": 1}, \"w\": \"7\"}»Ok"
            ),
            (
                "<function=f><parameter=n>many</parameter><parameter=b>null</parameter><parameter=s>\n\n\"q\" <b>\n"
                    + "</b>\n\n</parameter></function>",
                "«f {\"n\": \"many\", \"b\": null, \"s\": \"\\n\\\"q\\\" <b>\\n</b>\\n\"}»"
            ),
            ("<function=f><parameter=s>a</parameter><parameter=s>b</parameter></function>", "«f {\"s\": \"b\"}»"),
            ("<tool_call>\n<function=f>\n<parameter=s>cut", "<tool_call>\n<function=f>\n<parameter=s>cut"),
            ("<function=>x", "<function=>x"), ("<function=a<b>", "<function=a<b>"),
            ("<tool_call>{\"name\": \"f\"}</tool_call>", "<tool_call>{\"name\": \"f\"}</tool_call>"),
            ("<function=f>text</function>", "<function=f>text</function>"),
            ("<fun<function=g>\n</function></tool_call>.", "<fun«g {}»."),
        ],
        .llama: [
            ("{\"name\": \"f\", \"parameters\": {\"s\": \"x\"}}", "«f {\"s\": \"x\"}»"),
            ("\n<|python_tag|>{\"name\": \"f\", \"parameters\": {}}", "«f {}»"),
            ("{\"name\": \"f\"}; {\"name\": \"g\", \"parameters\": {\"a\": 1}}", "«f {}»«g {\"a\": 1}»"),
            ("{\"name\": \"f\"}\n{\"name\": \"g\"}", "«f {}»«g {}»"),
            ("{\"name\": \"f\"}; done", "«f {}»;done"), ("{\"name\": \"f\"} ;", "«f {}»;"),
            // An answer in JSON, and the name of no tool.
            ("{\"name\": \"Ada\", \"parameters\": {}}", "{\"name\": \"Ada\", \"parameters\": {}}"),
            ("{\"a\": 1} and more", "{\"a\": 1} and more"),
            ("It is {\"name\": \"f\"}", "It is {\"name\": \"f\"}"),
            ("<|python_tag|>print(1)", "<|python_tag|>print(1)"), ("{\"name\": \"f\"", "{\"name\": \"f\""),
        ],
        .mistral: [
            (
                "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"s\": \"x\"}, \"id\": \"abcdefghi\"}]",
                "«f {\"s\": \"x\"}»"
            ),
            (
                "Hm [TOOL_CALLS] [{\"name\":\"f\",\"arguments\":{}} , {\"name\":\"g\",\"arguments\":{}}] \n",
                "Hm«f {}»«g {}»"
            ),
            ("[TOOL_CALLS]f[ARGS]{\"s\": \"]\"}", "«f {\"s\": \"]\"}»"),
            ("[TOOL_CALLS]f[CALL_ID]abcdefghi[ARGS]{}[TOOL_CALLS]g{\"a\": {}}", "«f {}»«g {\"a\": {}}»"),
            ("[TOOL_CALLS]{\"name\": \"f\"}", "«f {}»"),
            ("[TOOL_CALLS][{\"name\": \"f\"}, oh", "«f {}»,oh"),
            ("[TOOL_CALLS][] or [1, 2]", "[TOOL_CALLS][] or [1, 2]"), ("[TOOL_CALLS]f", "[TOOL_CALLS]f"),
            ("a [TOOL", "a [TOOL"), ("[TOOL_CALLS]f[ARGS][1]", "[TOOL_CALLS]f[ARGS][1]"),
            ("[[TOOL_CALLS]f{}", "[«f {}»"),
        ],
    ]

    private static let sizes = [[1], [2], [3], [5], [1, 7], [4, 1, 1], [11, 2], [1000]]

    @Test("gives the calls and the rest of every format", arguments: ToolCallFormat.allCases)
    func formats(format: ToolCallFormat) {
        for (text, written) in Self.cases[format] ?? [] {
            #expect(Self.written(Self.split(text, format, sizes: [1000])) == written, "\(text.debugDescription)")
        }
    }

    @Test("gives the same however the text is cut in two or in pieces", arguments: ToolCallFormat.allCases)
    func cuts(format: ToolCallFormat) {
        for (text, _) in Self.cases[format] ?? [] {
            let whole = Self.split(text, format, sizes: [1000])
            for cut in 0..<text.count {
                let parts = Self.split(text, format, sizes: [cut + 1, 1000])
                #expect(parts == whole, "\(text.debugDescription) at \(cut)")
            }
            for sizes in Self.sizes {
                #expect(Self.split(text, format, sizes: sizes) == whole, "\(text.debugDescription)")
            }
        }
    }

    @Test("gives random texts the same however they are cut, well-formed calls, and loses nothing")
    func randomTexts() throws {
        var random = Random(state: 1)
        for turn in 0..<4000 {
            let format = ToolCallFormat.allCases[turn % 4]
            let text = random.text(format)
            let whole = Self.split(text, format, sizes: [1000])
            let sizes = (0..<4).map { _ in 1 + random.draw(9) }
            #expect(Self.split(text, format, sizes: sizes) == whole, "\(text.debugDescription) in \(sizes)")
            #expect(Self.split(text, format, sizes: [1]) == whole, "\(text.debugDescription)")
            try Self.check(whole)
            if !whole.contains(where: { if case .content = $0 { false } else { true } }) {
                #expect(whole.content == text)
            }
        }
    }

    /// Calls count from 0, each begins with its name, and its arguments are an object.
    private static func check(_ parts: [AnswerPart]) throws {
        var open = -1
        for part in parts {
            switch part {
            case .content(let text): #expect(!text.isEmpty)
            case .call(let index, let name):
                #expect(index == open + 1 && !name.isEmpty)
                open = index
            case .arguments(let index, _): #expect(index == open)
            }
        }
        for call in parts.calls {
            let value = try JSONSerialization.jsonObject(with: Data(call.arguments.utf8))
            #expect(value is [String: Any], "\(call.arguments)")
        }
    }

    private struct Random {
        var state: UInt64

        mutating func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }

        private static let pieces = [
            "<tool_call>", "</tool_call>", "<function=f>", "<parameter=s>", "</parameter>", "</function>",
            "<|python_tag|>",
            "[TOOL_CALLS]", "[ARGS]", "[", "]", "{\"name\": \"f\", \"arguments\": {\"s\": \"é\"}}", "{\"name\": \"g\"}",
            "{\"name\":", "\"f\"", "}", "{", ", ", ";", "\n", " ", "text", "<", "\"", "\\", "€", "12", "-1e5", "null",
            ":",
        ]

        /// Half of the texts are of pieces drawn at random, half are damaged calls.
        mutating func text(_ format: ToolCallFormat) -> String {
            guard draw(2) == 0, let cases = ToolCallSplitterTests.cases[format] else {
                return (0..<1 + draw(12)).map { _ in Self.pieces[draw(Self.pieces.count)] }.joined()
            }
            var text = Array(cases[draw(cases.count)].text + cases[draw(cases.count)].text)
            for _ in 0..<draw(3) where !text.isEmpty {
                let place = draw(text.count)
                if draw(2) == 0 { text.remove(at: place) } else { text[place...] = text[place...].dropFirst(draw(6)) }
            }
            return String(text)
        }
    }

    @Test("gives no more calls than are allowed, and nothing behind the last")
    func limit() {
        let text = "Hm <tool_call>{\"name\": \"f\"}</tool_call><tool_call>{\"name\": \"g\"}</tool_call> bye"
        for sizes in Self.sizes {
            #expect(Self.written(Self.split(text, .hermes, sizes: sizes, limit: 1)) == "Hm«f {}»")
        }
        var splitter = ToolCallSplitter(.hermes, tools: Self.tools, limit: 1)
        _ = splitter.append("<tool_call>{\"name\": \"f\"")
        #expect(!splitter.isFull)
        _ = splitter.append("}")
        #expect(splitter.isFull && splitter.count == 1)
    }

    @Test("reads long calls and long texts without end in time that grows with them")
    func longTexts() {
        let long = String(repeating: "x", count: 100_000)
        for (format, text) in [
            (ToolCallFormat.hermes, "<tool_call>{\"name\": \"f\", \"arguments\": {\"s\": \"\(long)\"}}"),
            (.hermes, String(repeating: "<tool_call>{\"a\": ", count: 8_000)),
            (.hermes, String(repeating: "<tool_call>", count: 10_000)),
            (.qwenCoder, "<function=f><parameter=s>\(long)</parameter></function>"),
            (.qwenCoder, String(repeating: "<function=f><parameter=s>", count: 8_000)),
            (.llama, String(repeating: "{\"a\": ", count: 15_000)), (.mistral, "[TOOL_CALLS]\(long)"),
        ] {
            let start = ContinuousClock.now
            let parts = Self.split(text, format, sizes: [50_000])
            #expect(parts.count == 1 || parts.calls.count == 1)
            #expect(start.duration(to: .now) < .seconds(20))
        }
    }

    @Test("knows the formats of families by what their templates write")
    func templates() {
        let written: [(String, ToolCallFormat?)] = [
            ("<|im_start|>assistant\n<tool_call>\n{\"name\": \"probe_call\", \"arguments\": {}}", .hermes),
            ("<tool_call>\n<function=probe_call>\n<parameter=a>", .qwenCoder),
            ("[TOOL_CALLS][{\"name\": \"probe_call\", \"arguments\": {}}]</s>", .mistral),
            ("<|start_header_id|>assistant<|end_header_id|>\n\n{\"name\": \"f\", \"parameters\": {}}", .llama),
            ("{%- if builtin %}{{- \"<|python_tag|>\" + name }}", .llama),
            ("<|im_start|>user\nhello<|im_end|>", nil), ("{\"parameters\": {}}", nil),
        ]
        for (text, format) in written { #expect(ToolCallFormat(writtenIn: text) == format, "\(text)") }
    }
}
