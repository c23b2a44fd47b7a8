import Dispatch
import HTTPTypes
import Logging
import NIOCore
import PacelineCluster
import PacelineModel
import PacelineServer
import PacelineTestKit
import Synchronization

/// Gives bodies to the endpoints of a server whose model computes nothing: a request counts as accepted where its
/// generation would begin.
struct ServedBodies {
    /// The request would be computed.
    private struct Accepted: Error {}

    private final class Silence: GenerationBackend, Generation {
        func begin(_ request: GenerationRequest) -> any Generation { self }
        func connectedWorkers() -> [WorkerContribution] { [] }
        func isAlive() -> Bool { true }
        func occupancy() -> Occupancy { Occupancy(running: 0, waiting: 0) }
        func next() throws -> RequestEvent? { throw Accepted() }
        func cancel() {}
    }

    let model: ServedModel
    let generations: GenerationService

    init() throws {
        var tiny = TinyModel()
        (tiny.blockCount, tiny.embeddingLength, tiny.feedForwardLength) = (1, 32, 32)
        (tiny.headCount, tiny.keyValueHeadCount, tiny.weights) = (1, 1, .f32)
        model = try ServedModel(
            names: [],
            root: "tiny",
            model: ModelFile(tiny.file()),
            contextLength: 256,
            slots: 4,
            created: 1_700_000_000,
            numerics: "fuzzing"
        )
        generations = GenerationService(
            model: model,
            backend: Silence(),
            logger: Logger(label: "fuzzing") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Whether an endpoint accepts a body. A refusal must be the client's fault, in words.
    func accepts(
        _ body: ArraySlice<UInt8>,
        _ endpoint: @escaping @Sendable (APIRequest) async throws -> APIReply
    ) throws -> Bool {
        let request = APIRequest(id: "fuzzing", body: ByteBuffer(bytes: body))
        do {
            _ = try Self.wait { try await endpoint(request) }
            return true
        } catch is Accepted {
            return true
        } catch let error as APIError {
            guard (400..<500).contains(error.status.code), !error.message.isEmpty else {
                throw FuzzFinding("\(error.status): \(error.message)")
            }
            return false
        }
    }

    /// Runs something asynchronous, on this thread as far as it goes without waiting.
    private static func wait(_ body: @escaping @Sendable () async throws -> APIReply) throws -> APIReply {
        let outcome = Outcome()
        let isDone = DispatchSemaphore(value: 0)
        Task.immediate {
            do {
                let reply = try await body()
                outcome.result.withLock { $0 = .success(reply) }
            } catch {
                outcome.result.withLock { $0 = .failure(error) }
            }
            isDone.signal()
        }
        isDone.wait()
        guard let result = outcome.result.withLock({ $0 }) else { throw FuzzFinding("nothing came of a request") }
        return try result.get()
    }

    private final class Outcome: Sendable {
        let result = Mutex<Result<APIReply, any Error>?>(nil)
    }
}
