import PacelineSpeculation
import Testing

@Suite("The order of a laboratory's work")
struct LaboratoryPlanTests {
    private static let categories = ["a", "b", "a", "b", "a"]

    @Test("every cell is measured once, after its text was recorded, and categories do not mix")
    func complete() {
        let plan = LaboratoryPlan(categories: Self.categories, samplings: 2, methods: 3)
        var recorded: Set<[Int]> = []
        var measured: Set<[Int]> = []
        var category: String?
        for step in plan.steps {
            switch step {
            case .forget: category = nil
            case .record(let prompt, let sampling):
                #expect(recorded.insert([prompt, sampling]).inserted)
            case .follow: Issue.record("nothing was there to follow")
            case .measure(let methods, let prompt, let sampling):
                #expect(recorded.contains([prompt, sampling]))
                #expect(category == nil || category == Self.categories[prompt])
                category = Self.categories[prompt]
                for method in methods { #expect(measured.insert([method, prompt, sampling]).inserted) }
            }
        }
        #expect(measured.count == 30 && recorded.count == 10)
    }

    @Test("wherever a run is interrupted, each method has followed all earlier prompts of its category before a cell")
    func resumed() {
        var random = SplitMix(seed: 5)
        for _ in 0..<50 {
            let done = Set((0..<15).filter { _ in random.next(below: 2) == 0 })
            let kept = Set((0..<5).filter { _ in random.next(below: 2) == 0 })
            let plan = LaboratoryPlan(
                categories: Self.categories,
                samplings: 1,
                methods: 3,
                isRecorded: { prompt, _ in kept.contains(prompt) },
                isDone: { method, prompt, _ in done.contains(method * 5 + prompt) }
            )
            var recorded = kept
            var followed: [[Int]] = [[], [], []]
            var measured: Set<Int> = []
            for step in plan.steps {
                switch step {
                case .forget: followed = [[], [], []]
                case .record(let prompt, _): #expect(recorded.insert(prompt).inserted)
                case .follow(let method, let prompt, _):
                    #expect(recorded.contains(prompt) && done.contains(method * 5 + prompt))
                    followed[method].append(prompt)
                case .measure(let methods, let prompt, _):
                    #expect(recorded.contains(prompt))
                    for method in methods {
                        let earlier = (0..<prompt).filter { Self.categories[$0] == Self.categories[prompt] }
                        #expect(followed[method] == earlier)
                        followed[method].append(prompt)
                        #expect(measured.insert(method * 5 + prompt).inserted)
                    }
                }
            }
            #expect(measured == Set(0..<15).subtracting(done))
        }
    }
}

@Suite("What a laboratory keeps")
struct LaboratoryNotebookTests {
    private static let settings = ["-n": "64", "--nodes": "16"]

    private static func cell(_ method: String) -> MethodCell {
        let key = MethodCell.Key(sampling: "greedy", prompt: 0, method: method)
        return MethodCell(key, category: "a", figures: MethodFigures(), trials: [.init(drafting: 1)])
    }

    @Test("what was written is there again, and a repeated cell counts once")
    func again() throws {
        var notebook = LaboratoryNotebook(settings: Self.settings)
        try notebook.take([
            .init(settings: Self.settings), .init(stream: .init(sampling: "greedy", prompt: 0, tokens: [1, 2])),
            .init(cell: Self.cell("ngram")), .init(cell: Self.cell("ngram")),
        ])
        #expect(notebook.stream(prompt: 0, sampling: "greedy")?.tokens == [1, 2])
        #expect(notebook.stream(prompt: 0, sampling: "temp=1.0") == nil)
        #expect(notebook.cell(Self.cell("ngram").key) == Self.cell("ngram"))
        #expect(notebook.cell(Self.cell("suffix").key) == nil)
    }

    @Test("planners and acceptance rules have cells of their own")
    func variants() throws {
        var notebook = LaboratoryNotebook(settings: Self.settings)
        let plain = Self.cell("ngram")
        var block = plain
        (block.planner, block.acceptance, block.isPlain) = ("chain:length=5", "block", false)
        try notebook.take([.init(settings: Self.settings), .init(cell: plain), .init(cell: block)])
        #expect(notebook.cell(plain.key) == plain && notebook.cell(block.key) == block)
        #expect(MethodSummary([plain, block]).plainTexts == 1)
    }

    @Test(
        "what earlier versions wrote is taken over, with the one planner of their settings",
        arguments: [true, false]
    )
    func earlier(hasPlanner: Bool) throws {
        var notebook = LaboratoryNotebook(settings: Self.settings)
        var cell = Self.cell("ngram")
        (cell.planner, cell.acceptance, cell.isPlain) = (nil, nil, nil)
        let settings = Self.settings.merging(["--planner": hasPlanner ? "eagle-2:width=4" : "unset"]) { $1 }
        try notebook.take([.init(settings: settings), .init(cell: cell)])
        var key = Self.cell("ngram").key
        #expect((notebook.cell(key) != nil) == !hasPlanner)
        key.planner = "eagle-2:width=4"
        #expect((notebook.cell(key) != nil) == hasPlanner)
        #expect(MethodSummary([cell]).plainTexts == 1)
    }

    @Test("records of other settings are refused, by the name of the first that differs")
    func refused() throws {
        var notebook = LaboratoryNotebook(settings: Self.settings)
        #expect(throws: LaboratoryNotebookError.differs(name: "--nodes", theirs: "32", ours: "16")) {
            try notebook.take([.init(settings: ["-n": "64", "--nodes": "32"])])
        }
        #expect(throws: LaboratoryNotebookError.differs(name: "-n", theirs: "none", ours: "64")) {
            try notebook.take([.init(settings: ["--nodes": "16"])])
        }
        #expect(throws: LaboratoryNotebookError.noSettings) { try notebook.take([.init(cell: Self.cell("ngram"))]) }
        #expect(throws: Never.self) { try notebook.take([]) }
    }
}
