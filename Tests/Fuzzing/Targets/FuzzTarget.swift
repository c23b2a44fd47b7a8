/// Something that reads bytes from outside, and what must hold for every input. A trap, a hang or an endless
/// allocation ends the process, which is how a fuzzer sees them; everything else that is wrong is a ``FuzzFinding``.
package protocol FuzzTarget {
    init() throws

    /// Reads one input and checks what came of it.
    ///
    /// - Returns: whether the input was accepted, rather than refused with a typed error.
    /// - Throws: ``FuzzFinding``, or any error that is not one of the reader's own.
    mutating func execute(_ input: [UInt8]) throws -> Bool

    /// Inputs to begin with.
    func seeds() throws -> [FuzzSeed]
}

/// An input that a corpus begins with.
package struct FuzzSeed {
    package let name: String
    package let bytes: [UInt8]

    package init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// A property that does not hold.
package struct FuzzFinding: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// All targets, by the name of their corpus.
package enum FuzzTargets: String, CaseIterable, Sendable {
    case frames, messages, gguf, tokenizer, templates, completions, chat, chaos, schedules, datastore, grammars

    package func make() throws -> any FuzzTarget {
        switch self {
        case .frames: FrameTarget()
        case .messages: MessageTarget()
        case .gguf: GGUFTarget()
        case .tokenizer: try TokenizerTarget()
        case .templates: TemplateTarget()
        case .completions: CompletionTarget(try ServedBodies())
        case .chat: ChatTarget(try ServedBodies())
        case .chaos: ChaosTarget()
        case .schedules: ScheduleTarget()
        case .datastore: DatastoreTarget()
        case .grammars: GrammarTarget()
        }
    }
}
