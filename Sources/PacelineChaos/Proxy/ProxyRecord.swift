/// A proxy as the API knows it. A value; sockets belong to others.
package struct ProxyRecord: Hashable, Sendable {
    package let name: String
    /// `HOST:PORT`; with the real port while the proxy listens.
    package internal(set) var listen: String
    package internal(set) var upstream: String
    /// Whether it listens.
    package internal(set) var isEnabled: Bool
    /// Those of the upstream direction first, each direction in the order in which bytes pass them.
    package private(set) var toxics: [ToxicDefinition] = []

    package init(name: String, listen: String, upstream: String, isEnabled: Bool) {
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.isEnabled = isEnabled
    }

    /// - Throws: ``ChaosError`` 404.
    func toxic(_ name: String) throws(ChaosError) -> ToxicDefinition {
        guard let toxic = toxics.first(where: { $0.name == name }) else {
            throw .toxicNotFound(name, in: self)
        }
        return toxic
    }

    /// - Throws: ``ChaosError`` 409.
    mutating func add(_ toxic: ToxicDefinition) throws(ChaosError) {
        guard !toxics.contains(where: { $0.name == toxic.name }) else { throw .toxicExists(toxic.name, in: self) }
        let place = toxic.stream == .upstream ? toxics.firstIndex { $0.stream == .downstream } : nil
        toxics.insert(toxic, at: place ?? toxics.endIndex)
    }

    mutating func update(_ toxic: ToxicDefinition) {
        guard let index = toxics.firstIndex(where: { $0.name == toxic.name }) else { return }
        toxics[index] = toxic
    }

    /// - Throws: ``ChaosError`` 404.
    mutating func remove(_ name: String) throws(ChaosError) {
        guard let index = toxics.firstIndex(where: { $0.name == name }) else { throw .toxicNotFound(name, in: self) }
        toxics.remove(at: index)
    }

    mutating func removeAllToxics() {
        toxics.removeAll()
    }
}
