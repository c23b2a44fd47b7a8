/// Whether a verifier takes requests, and why not.
struct ServiceState: Sendable {
    private var isDraining = false
    private var hasNotedDrain = false
    private var engineFault: String?

    /// Why a new request is refused; nil if it is not.
    var refusal: RequestFault? {
        engineFault.map(RequestFault.engine) ?? (isDraining ? .draining : nil)
    }

    /// Whether the engine can compute.
    var hasEngine: Bool { engineFault == nil }

    /// Takes no new requests from now on.
    mutating func drain() {
        isDraining = true
    }

    /// The engine can compute no more.
    mutating func fail(_ reason: String) {
        engineFault = reason
    }

    /// Whether all requests have ended after a drain; true once.
    mutating func noteDrained(isIdle: Bool) -> Bool {
        guard isDraining, isIdle, !hasNotedDrain else { return false }
        hasNotedDrain = true
        return true
    }
}
