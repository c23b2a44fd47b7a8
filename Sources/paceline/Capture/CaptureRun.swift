import PacelineModel
import PacelineSpeculation
import PacelineTraining

/// Lets the target answer, and writes what it thought to a file, until there is enough.
struct CaptureRun {
    private let header: CaptureHeader
    private let questions: CaptureQuestions
    private let batch: GenerationBatch
    private let file: CaptureFile
    private var queue: CaptureQueue
    /// Where this run began, and where it is to end.
    private let start: (number: Int, answers: Int)
    private let end: (number: Int?, answers: Int?)
    /// Own prompts that are to be answered, with what has been computed of them.
    private var ready: [(question: GenerationBatch.Question, written: GenerationBatch.Answer)] = []
    /// How many own prompts in a row were of no use.
    private var failures = 0
    private static let failureLimit = 256
    private(set) var figures: CaptureFigures

    /// - Parameters:
    ///   - total: positions with probable tokens that are enough; nil if all prompts are to be answered.
    ///   - sequences: that are written together.
    init(
        header: CaptureHeader,
        questions: CaptureQuestions,
        batch: GenerationBatch,
        resumed: (file: CaptureFile, reader: CaptureReader),
        total: Int?,
        sequences: Int
    ) {
        (self.header, self.questions, self.batch) = (header, questions, batch)
        file = resumed.file
        figures = CaptureFigures(resumed.reader)
        start = (resumed.reader.nextNumber, figures.answerTokens)
        end = (questions.count, total)
        queue = CaptureQueue(
            next: start.number,
            answers: start.answers,
            total: end.answers,
            end: end.number,
            // So that a long answer keeps only so many behind it waiting.
            window: 4 * sequences
        )
    }

    /// - Parameters:
    ///   - isStopped: asked before each pass.
    ///   - progress: called after each pass with the share that is done of this run, 0 … 1.
    mutating func run(isStopped: () -> Bool, progress: (_ share: Double, CaptureFigures) -> Void) throws {
        while !queue.isDone, !isStopped() {
            try fill()
            for answer in try batch.step() { try take(answer) }
            progress(share, figures)
        }
        figures.isFinished = queue.isDone
    }

    private var share: Double {
        func share(_ now: Int, _ start: Int, _ end: Int?) -> Double {
            end.map { Double(now - start) / Double(max(1, $0 - start)) } ?? 0
        }
        return max(share(queue.place, start.number, end.number), share(queue.answers, start.answers, end.answers))
    }

    /// Begins as much as there is room for.
    private mutating func fill() throws {
        while batch.hasRoom, !queue.isDone {
            // First of all, since they hold memory of the batch.
            if !ready.isEmpty {
                let (question, written) = ready.removeFirst()
                try batch.add(question, after: written)
            } else if let number = queue.start(underway: batch.written) {
                switch questions.begin(number) {
                case .ask(let question): try batch.add(question)
                case .leaveOut: try finish(number, nil)
                }
            } else {
                return
            }
        }
    }

    private mutating func take(_ answer: GenerationBatch.Answer) throws {
        guard answer.question.writesPrompt else { return try finish(answer.question.number, record(answer)) }
        switch try questions.goOn(behind: answer) {
        case .ask(let question):
            failures = 0
            ready.append((question, answer))
        case .leaveOut:
            failures += 1
            // Without a limit, a model that writes no prompts would be asked for ever.
            guard failures < Self.failureLimit else { throw OwnPromptsError.useless(count: failures) }
            try finish(answer.question.number, nil)
        }
    }

    private func record(_ answer: GenerationBatch.Answer) -> CaptureRecord {
        CaptureRecord(
            number: answer.question.number,
            tokens: answer.tokens,
            promptCount: answer.question.prompt.count,
            features: CaptureRecord.halves(of: answer.features),
            firstTop: answer.question.prompt.count - 1,
            top: answer.top.map { TopToken(token: Int($0.token), logProbability: $0.logProbability) }
        )
    }

    private mutating func finish(_ number: Int, _ record: CaptureRecord?) throws {
        if record == nil { figures.leftOut += 1 }
        for record in queue.finish(number, record, topCount: header.topCount) {
            let bytes = record.encoded(header)
            try file.append(bytes)
            figures.add(record, bytes: bytes.count, header)
        }
    }
}

/// What a capture file has, and what came to it.
struct CaptureFigures: Equatable {
    private(set) var sequences: Int
    private(set) var tokens: Int
    /// Tokens that the target chose: positions with probable tokens.
    private(set) var answerTokens: Int
    private(set) var bytes: Int
    private(set) var newSequences = 0
    private(set) var newAnswerTokens = 0
    /// Prompts of this run that were too long, or empty.
    var leftOut = 0
    var isFinished = false

    init(_ reader: CaptureReader) {
        sequences = reader.entries.count
        tokens = reader.entries.reduce(0) { $0 + $1.tokens }
        answerTokens = reader.entries.reduce(0) { $0 + $1.answers }
        bytes = reader.end
    }

    mutating func add(_ record: CaptureRecord, bytes: Int, _ header: CaptureHeader) {
        let answers = record.answers(header.topCount)
        (sequences, newSequences) = (sequences + 1, newSequences + 1)
        (answerTokens, newAnswerTokens) = (answerTokens + answers, newAnswerTokens + answers)
        (tokens, self.bytes) = (tokens + record.tokens.count, self.bytes + bytes)
    }
}
