import Crypto
import NIOCore

/// The frames of a handshake as they travelled. Both sides prove over them that they know the shared token. So no byte
/// of the handshake can be changed on its way. A proof is worthless in another handshake or from the other side.
struct HandshakeTranscript: Sendable, Equatable {
    enum Prover: String {
        case worker
        case verifier
    }

    /// At most two frames of the peer's and two of ours, each small.
    private var frames: [UInt8] = []

    mutating func append(_ frame: ByteBuffer) {
        frames += frame.readableBytesView
    }

    func proof(of prover: Prover, with token: SharedToken) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: statement(of: prover), using: token.key))
    }

    /// Whether `proof` is that side's. The comparison takes the same time wherever it differs.
    func isProof(_ proof: [UInt8], of prover: Prover, with token: SharedToken) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(proof, authenticating: statement(of: prover), using: token.key)
    }

    private func statement(of prover: Prover) -> [UInt8] {
        Array("paceline/1 \(prover.rawValue) proof\u{0}".utf8) + frames
    }
}
