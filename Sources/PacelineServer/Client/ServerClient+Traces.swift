import AsyncHTTPClient
package import NIOCore
import NIOHTTP1

extension ServerClient {
    /// What happened to a request.
    ///
    /// - Parameter request: its `x-request-id`, or the id of its answer.
    /// - Returns: the answer as it came, and what it says.
    /// - Throws: ``ServerClientError``.
    package func trace(_ request: String) async throws -> (bytes: ByteBuffer, body: RequestTraceBody) {
        let bytes = try await get("/v1/requests/\(Self.escaped(request))/trace")
        guard let body = try? JSON.decode(RequestTraceBody.self, from: bytes) else {
            throw ServerClientError.malformed(address, reason: "its trace is not in the form that it should be")
        }
        return (bytes, body)
    }

    /// The requests that can be traced.
    ///
    /// - Throws: ``ServerClientError``.
    package func requests() async throws -> (bytes: ByteBuffer, body: RequestList) {
        let bytes = try await get("/v1/requests")
        guard let body = try? JSON.decode(RequestList.self, from: bytes) else {
            throw ServerClientError.malformed(
                address,
                reason: "its list of requests is not in the form that it should be"
            )
        }
        return (bytes, body)
    }

    private func get(_ path: String) async throws -> ByteBuffer {
        let response = try await send(path, body: nil)
        let body = try await collect(response.body)
        guard response.status == .ok else { throw AnswerParser.refusal(response.status, body, from: address) }
        return body
    }

    /// A part of a path with everything but letters and digits escaped.
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
    }
}
