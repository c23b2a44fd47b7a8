/// Which links belong to honest workers, and which of them were corrupted on the way.
struct Blame {
    private var honest: Set<VerifierLinkKey> = []
    private var poisoned: Set<VerifierLinkKey> = []

    mutating func isHonest(_ link: VerifierLinkKey) {
        honest.insert(link)
    }

    mutating func hasMetPoison(_ link: VerifierLinkKey) {
        poisoned.insert(link)
    }

    /// Whether nothing but honest and unspoilt bytes came over a link.
    func isInnocent(_ link: VerifierLinkKey) -> Bool {
        honest.contains(link) && !poisoned.contains(link)
    }

    func isPoisoned(_ link: VerifierLinkKey) -> Bool {
        poisoned.contains(link)
    }
}
