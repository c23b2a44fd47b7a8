/// A model that is split into several files, opened by the first of them.
///
/// Source: llama.cpp's gguf-split. Shard n of m is called `NAME-0000n-of-0000m.gguf` and has `split.no` = n - 1 and
/// `split.count` = m. The first shard has the model's metadata and `split.tensors.count`.
struct GGUFSplit {
    private let first: GGUFFile
    private let count: Int
    private let prefix: String

    /// The largest number that fits in the five digits of a name.
    private static let limit = 99_999

    /// Returns nil for a file that holds a whole model.
    ///
    /// - Throws: ``GGUFError`` if `first` is a later shard, or if its name does not lead to the other shards.
    init?(_ first: GGUFFile) throws(GGUFError) {
        guard let count = try first.intIfPresent("split.count"), count > 1 else { return nil }
        guard count <= Self.limit else {
            let expected = "a number up to \(Self.limit)"
            throw first.error(.outOfRange(key: "split.count", value: "\(count)", expected: expected))
        }
        let number = try first.int("split.no")
        guard (0..<count).contains(number) else {
            let expected = "a number from 0 to \(count - 1)"
            throw first.error(.outOfRange(key: "split.no", value: "\(number)", expected: expected))
        }
        let suffix = Self.suffix(number, of: count)
        let prefix = first.path.hasSuffix(suffix) ? String(first.path.dropLast(suffix.count)) : nil
        guard number == 0 else {
            let start = prefix.map { $0 + Self.suffix(0, of: count) }
            throw first.error(.laterShard(number: number + 1, count: count, first: start))
        }
        guard let prefix else { throw first.error(.unnamedShard(count: count, suffix: suffix)) }
        self.first = first
        self.count = count
        self.prefix = prefix
    }

    /// Opens the shards after the first, in order.
    ///
    /// - Throws: ``GGUFError`` if one is missing or damaged, or belongs to another model.
    func otherShards() throws(GGUFError) -> [GGUFFile] {
        let tensorCount = try first.int("split.tensors.count")
        var owners = Dictionary(uniqueKeysWithValues: first.tensorNames.map { ($0, 1) })
        var shards: [GGUFFile] = []
        for number in 2...count {
            let shard = try shard(number)
            for name in shard.tensorNames {
                guard let owner = owners.updateValue(number, forKey: name) else { continue }
                throw first.error(.repeatedTensor(name, shards: [owner, number], count: count))
            }
            shards.append(shard)
        }
        guard owners.count == tensorCount else {
            throw first.error(.shardTensors(found: owners.count, stated: tensorCount, count: count))
        }
        return shards
    }

    private func shard(_ number: Int) throws(GGUFError) -> GGUFFile {
        let path = prefix + Self.suffix(number - 1, of: count)
        let mapped: MappedFile
        do {
            mapped = try MappedFile(path: path)
        } catch {
            guard case .unreadable(let code) = error.reason else { throw error }
            throw first.error(.missingShard(number: number, count: count, path: path, errno: code))
        }
        let shard = try GGUFFile(mapped)
        let (index, stated) = (try shard.intIfPresent("split.no"), try shard.intIfPresent("split.count"))
        guard index == number - 1, stated == count else {
            let reason = GGUFError.Reason.foreignShard(
                number: number,
                count: count,
                statedIndex: index,
                statedCount: stated
            )
            throw shard.error(reason)
        }
        return shard
    }

    private static func suffix(_ index: Int, of count: Int) -> String {
        "-\(padded(index + 1))-of-\(padded(count)).gguf"
    }

    private static func padded(_ number: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
