import PacelineTraining
import Testing

@Suite("Surveys of captures")
struct CaptureSurveyTests {
    @Test("it counts what the target said, all tokens that occur, and the size of features")
    func survey() throws {
        let source = CaptureBytes(CaptureSamples.file(numbers: [0, 2]))
        let reader = try CaptureReader(source)
        let survey = try CaptureSurvey(reader, from: source, vocabularySize: 12)
        // Of 1 2 3 | 4 9 the target said 4 and 9.
        #expect(survey.frequencies == [0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0])
        #expect(survey.tokens == [1, 2, 3, 4, 9])
        var squares = 0.0
        for number in [0, 2] {
            for index in 0..<30 { squares += Double((index + number) * (index + number)) / 16 }
        }
        #expect((survey.featureScale - (squares / 60).squareRoot()).magnitude < 1e-5)
    }

    @Test("coverage is the share of the target's words in a draft vocabulary")
    func coverage() throws {
        let source = CaptureBytes(CaptureSamples.file(numbers: [0]))
        let survey = try CaptureSurvey(CaptureReader(source), from: source, vocabularySize: 10)
        #expect(survey.coverage(of: try DraftVocabulary(targetTokens: [1, 9], targetCount: 10)) == 0.5)
        #expect(survey.coverage(of: try DraftVocabulary(targetTokens: [4, 9], targetCount: 10)) == 1)
        #expect(survey.coverage(of: try DraftVocabulary(targetTokens: [], targetCount: 10)) == 0)
    }
}
