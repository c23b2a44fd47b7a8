package import PacelineSpeculation

/// Finds full pages of keys and values by their tokens, so that sequences with the same beginning can share them.
///
/// The keys and values of a token depend on every token before it. So the key of a page is the entry of the page before
/// it and its own tokens. A hit compares both, never only a hash. Unused entries stay until ``evict()`` takes the least
/// recently used one.
///
/// Sequences of different scopes share nothing, and cannot tell from a hit what others have computed.
///
/// A user of an entry also uses its parents, and releases the entry no later than the parents. So no entry is evicted
/// before its children.
package struct PrefixIndex<Page> {
    /// Identifies an entry. Numbers are never reused, so the children of an evicted entry cannot be found again.
    package struct Entry: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    fileprivate struct Key: Hashable {
        enum Parent: Hashable {
            /// A first page's.
            case scope(PrefixScope)
            case entry(Entry)
        }

        var parent: Parent
        var tokens: [Token]

        init(_ tokens: some Collection<Token>, after parent: Entry?, in scope: PrefixScope) {
            let scope = PlantedBug.prefixScopeIgnored.isPlanted ? .common : scope
            let parent = PlantedBug.prefixParentIgnored.isPlanted ? nil : parent
            self.parent = parent.map(Parent.entry) ?? .scope(scope)
            self.tokens = Array(tokens)
        }
    }

    fileprivate struct Record {
        let key: Key
        let page: Page
        var users = 1
        /// Neighbours in the order of last use, while the entry has no users.
        var older: Entry?
        var newer: Entry?
    }

    private var records: [Entry: Record] = [:]
    private var entries: [Key: Entry] = [:]
    private var oldest: Entry?
    private var newest: Entry?
    private var nextNumber: UInt64 = 0

    package init() {}

    /// Number of entries without users.
    package private(set) var unusedCount = 0

    /// Number of entries, in use or not.
    package var count: Int { records.count }

    /// Finds the page that holds `tokens` after the page of `parent` (nil for the first page), and adds a user.
    ///
    /// - Parameter scope: of the sequence; its parent page has the same.
    package mutating func use(
        _ tokens: some Collection<Token>,
        after parent: Entry?,
        in scope: PrefixScope = .common
    ) -> (entry: Entry, page: Page)? {
        guard let entry = entries[Key(tokens, after: parent, in: scope)], let page = records[entry]?.page else {
            return nil
        }
        if records[entry]?.users == 0 { unlink(entry) }
        records[entry]?.users += 1
        return (entry, page)
    }

    /// Adds a page with one user. The index must not have it yet, and `parent` must be in use.
    package mutating func insert(
        _ page: Page,
        _ tokens: some Collection<Token>,
        after parent: Entry?,
        in scope: PrefixScope = .common
    ) -> Entry {
        let key = Key(tokens, after: parent, in: scope)
        precondition(entries[key] == nil, "the index already has this page")
        precondition(parent.map { records[$0]?.users ?? 0 > 0 } ?? true, "the parent page is not in use")
        let entry = Entry(number: nextNumber)
        nextNumber += 1
        entries[key] = entry
        records[entry] = Record(key: key, page: page)
        return entry
    }

    /// Releases entries, each of which is the parent of the next.
    package mutating func release(_ chain: some BidirectionalCollection<Entry>) {
        // Deepest first, so that the deepest is the least recently used.
        for entry in chain.reversed() {
            guard let users = records[entry]?.users, users > 0 else {
                preconditionFailure("the released entry has no users")
            }
            records[entry]?.users = users - 1
            if users == 1 { append(entry) }
        }
    }

    /// Removes the least recently used entry without users and returns its page; nil if all entries are in use.
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
        unusedCount += 1
        if let newest { records[newest]?.newer = entry } else { oldest = entry }
        newest = entry
    }

    private mutating func unlink(_ entry: Entry) {
        guard let record = records[entry] else { return }
        unusedCount -= 1
        if let older = record.older { records[older]?.newer = record.newer } else { oldest = record.newer }
        if let newer = record.newer { records[newer]?.older = record.older } else { newest = record.older }
        records[entry]?.older = nil
        records[entry]?.newer = nil
    }
}

/// Which sequences may share pages: those with equal scopes.
package struct PrefixScope: Hashable, Sendable {
    /// Of sequences that belong to nobody in particular.
    package static let common = PrefixScope(owner: nil, salt: nil)

    /// Whose sequences they are; nil if all owners share.
    package let owner: String?
    /// Tells an owner's sequences apart.
    package let salt: String?

    package init(owner: String?, salt: String?) {
        self.owner = owner
        self.salt = salt
    }
}

extension PrefixIndex: Sendable where Page: Sendable {}
extension PrefixIndex.Record: Sendable where Page: Sendable {}
