package import PacelineSpeculation

/// Full pages of keys and values by what they hold, so that sequences which begin alike can share them.
///
/// The keys and values of a token depend on every token before it, so a page is found under the entry of the page
/// before it and its own tokens: hashes are chained through the parent's identity, and both are compared on a hit,
/// never the hash alone. Entries that nobody uses stay until ``evict()`` takes the least recently used one.
///
/// Whoever uses an entry uses its parents too and lets go of it no later than of them; with that, no entry is evicted
/// before those below it.
package struct PrefixIndex<Page> {
    /// Names an entry. Never given twice, so that what hung below an evicted entry cannot be found again.
    package struct Entry: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    fileprivate struct Key: Hashable {
        var parent: Entry?
        var tokens: [Token]
    }

    fileprivate struct Record {
        let key: Key
        let page: Page
        var users = 1
        /// Neighbours in the order of last use, while there are no users.
        var older: Entry?
        var newer: Entry?
    }

    private var records: [Entry: Record] = [:]
    private var entries: [Key: Entry] = [:]
    private var oldest: Entry?
    private var newest: Entry?
    private var nextNumber: UInt64 = 0

    package init() {}

    /// Entries, used or not.
    package var count: Int { records.count }

    /// The page that holds `tokens` behind the page of `parent` (nil for the first one), which gets one user more.
    package mutating func use(_ tokens: some Collection<Token>, after parent: Entry?) -> (entry: Entry, page: Page)? {
        guard let entry = entries[Key(parent: parent, tokens: Array(tokens))], let page = records[entry]?.page else {
            return nil
        }
        if records[entry]?.users == 0 { unlink(entry) }
        records[entry]?.users += 1
        return (entry, page)
    }

    /// Adds a page with one user. It must not be there yet, and `parent` must be in use.
    package mutating func insert(_ page: Page, _ tokens: some Collection<Token>, after parent: Entry?) -> Entry {
        let key = Key(parent: parent, tokens: Array(tokens))
        precondition(entries[key] == nil, "a page is entered twice")
        precondition(parent.map { records[$0]?.users ?? 0 > 0 } ?? true, "a page is entered behind an unused one")
        let entry = Entry(number: nextNumber)
        nextNumber += 1
        entries[key] = entry
        records[entry] = Record(key: key, page: page)
        return entry
    }

    /// Lets go of entries, each of which is the parent of the next.
    package mutating func release(_ chain: some BidirectionalCollection<Entry>) {
        // The deepest first: it is then the least recently used.
        for entry in chain.reversed() {
            guard let users = records[entry]?.users, users > 0 else {
                preconditionFailure("an entry without users is released")
            }
            records[entry]?.users = users - 1
            if users == 1 { append(entry) }
        }
    }

    /// Removes the least recently used entry that has no users; nil if all are in use.
    package mutating func evict() -> Page? {
        guard let entry = oldest else { return nil }
        unlink(entry)
        guard let record = records.removeValue(forKey: entry) else { return nil }
        entries[record.key] = nil
        return record.page
    }

    // MARK: Order of last use

    private mutating func append(_ entry: Entry) {
        records[entry]?.older = newest
        records[entry]?.newer = nil
        if let newest { records[newest]?.newer = entry } else { oldest = entry }
        newest = entry
    }

    private mutating func unlink(_ entry: Entry) {
        guard let record = records[entry] else { return }
        if let older = record.older { records[older]?.newer = record.newer } else { oldest = record.newer }
        if let newer = record.newer { records[newer]?.older = record.older } else { newest = record.older }
        records[entry]?.older = nil
        records[entry]?.newer = nil
    }
}

extension PrefixIndex: Sendable where Page: Sendable {}
extension PrefixIndex.Record: Sendable where Page: Sendable {}
