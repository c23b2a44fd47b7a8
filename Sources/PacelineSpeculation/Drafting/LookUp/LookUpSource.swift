/// Makes drafters without a model, of which those of one kind share what they remember. Lives on one thread.
package final class LookUpSource {
    private let make: () -> any Drafter

    /// - Parameter open: reads the file of a datastore.
    package init(_ settings: LookUpSettings, open: (String) throws -> Datastore) rethrows {
        let (longest, shortest) = (settings[.max], settings[.min])
        let (length, memory) = (settings[.length], settings[.memory])
        switch settings.kind {
        case .ngram:
            make = { NGramDrafter(longest: longest, shortest: shortest) }
        case .suffix:
            let shared = TextMemory(memory: memory, longest: longest)
            make = { SuffixDrafter(longest: longest, shortest: shortest, shared: shared) }
        case .recycling:
            let table = SuccessorTable(width: settings[.width], memory: memory)
            make = { RecyclingDrafter(table: table) }
        case .trie:
            let shared = PassageMemory(memory: memory)
            make = { TrieDrafter(longest: longest, length: length, shared: shared) }
        case .phrases:
            let shared = PassageMemory(memory: memory)
            make = { PhraseDrafter(length: length, shared: shared) }
        case .datastore:
            let datastore = try open(settings.path)
            make = { DatastoreDrafter(datastore, longest: longest, shortest: shortest) }
        }
    }

    package func makeDrafter() -> any Drafter {
        make()
    }
}
