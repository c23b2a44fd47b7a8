/// Why a verifier asks a worker for nothing.
package enum DraftRestReason: UInt32, Sendable, CaseIterable {
    /// Also stands for unknown values, and for workers that do not rest.
    case unspecified = 0
    /// The target accepted hardly any of the worker's tokens.
    case useless = 1
    /// Requests were slower with drafting than without.
    case slower = 2
    /// A few passes without drafts are being measured.
    case measuring = 3
}
