import Foundation
import PacelineLoad
import Testing

@Suite("Prompts of load tests")
struct LoadPromptTests {
    @Test func everyFormOfADatasetIsRead() throws {
        let dataset = try LoadDataset(
            """
            {"prompt": "one", "category": "x"}

            {"question_id": 81, "turns": ["two", "later"]}
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "three"}]}]}

            """
        )
        #expect(dataset.prompts.count == 3)
        #expect(dataset.prompt(at: 0) == .text("one"))
        #expect(dataset.prompt(at: 4) == .text("two"))
        #expect(dataset.hasConversations)
    }

    @Test func messagesAreSentOnAsTheyWere() throws {
        let message = #"{"content":[{"n":1,"text":"ü","type":"text"},null,true,1.5],"role":"user"}"#
        let dataset = try LoadDataset(#"{"messages": [\#(message)]}"#)
        guard case .messages(let messages) = dataset.prompt(at: 0) else { Issue.record("no messages"); return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(messages), as: UTF8.self) == "[\(message)]")
    }

    @Test(arguments: [
        ("{\"prompt\": \"one\"}\nnot JSON", 2), ("{}", 1), ("{\"prompt\": 7}", 1), ("{\"turns\": []}", 1),
        ("{\"messages\": []}", 1), ("[\"one\"]", 1),
    ])
    func aLineThatIsNoPromptIsNamed(text: String, line: Int) {
        #expect(throws: LoadDatasetError.malformed(line: line)) { try LoadDataset(text) }
    }

    @Test func aFileWithoutPromptsIsRefused() {
        #expect(throws: LoadDatasetError.empty) { try LoadDataset("\n \n") }
    }

    @Test func syntheticPromptsHaveTheirLengthAndDiffer() {
        let words = ["able", "about", "above", "across", "after", "again", "against", "air"]
        let prompts = SyntheticPrompts(openers: ["able"], words: words, tokens: 40, seed: 5)
        let texts = (0..<500).map { prompts.text(at: $0) }
        #expect(texts.allSatisfy { $0.split(separator: " ").count == 40 })
        #expect(Set(texts).count == texts.count)
        #expect(texts == (0..<500).map { prompts.text(at: $0) })
        let other = SyntheticPrompts(openers: ["able"], words: words, tokens: 40, seed: 6)
        #expect(Set(texts).isDisjoint(with: (0..<500).map { other.text(at: $0) }))
    }

    @Test func aPromptOfOneTokenIsOneWord() {
        let prompts = SyntheticPrompts(openers: ["able", "air"], words: ["able", "about"], tokens: 1, seed: 5)
        #expect(["able", "air"].contains(prompts.text(at: 3)))
    }
}
