import Dispatch
import Glibc
import HTTPTypes
import Synchronization
import Testing

@testable import PacelineCluster
@testable import PacelineServer

/// Where grammars are compiled, so that hostile ones hold up nobody else.
@Suite("The queue of compilations", .timeLimit(.minutes(1)))
struct CompilationQueueTests {
    private static let alice = Tenant(rawValue: "alice")
    private static let bob = Tenant(rawValue: "bob")

    /// Work that goes on until it is released.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        private let began = Mutex(false)

        var hasBegun: Bool { began.withLock { $0 } }

        @Sendable func hold() {
            began.withLock { $0 = true }
            semaphore.wait()
        }

        func release() {
            semaphore.signal()
        }
    }

    private func until(_ isTrue: () -> Bool) async throws {
        while !isTrue() { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// Runs `body` while the queue's thread is held by other work.
    private func holding(_ queue: CompilationQueue, _ body: () async throws -> Void) async throws {
        let gate = Gate()
        let held = Task { try await queue.perform(for: Self.alice, gate.hold) }
        try await until { gate.hasBegun }
        do {
            try await body()
        } catch {
            gate.release()
            throw error
        }
        gate.release()
        try await held.value
    }

    @Test("works on one at a time, and gives each its own result")
    func one() async throws {
        let queue = CompilationQueue()
        let running = Mutex((now: 0, most: 0))
        let work = { @Sendable in
            running.withLock { ($0.now, $0.most) = ($0.now + 1, max($0.most, $0.now + 1)) }
            usleep(500)
            running.withLock { $0.now -= 1 }
        }
        let results = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await queue.perform(for: Self.alice) {
                        work()
                        return number
                    }
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(results == Set(0..<20))
        #expect(running.withLock { $0.most } == 1)
    }

    @Test("holds up no other task, however many wait")
    func pool() async throws {
        let queue = CompilationQueue()
        var waiting: [Task<Void, any Error>] = []
        try await holding(queue) {
            for _ in 0..<100 { waiting.append(Task { try await queue.perform(for: Self.alice) {} }) }
            try await until { queue.waiting == 100 }
            // As many tasks as would fill any pool have their turn meanwhile.
            await withTaskGroup { group in
                for _ in 0..<100 { group.addTask { await Task.yield() } }
            }
        }
        for task in waiting { try await task.value }
    }

    @Test("takes turns between tenants")
    func turns() async throws {
        let queue = CompilationQueue()
        let order = Mutex<[String]>([])
        var waiting: [Task<Void, any Error>] = []
        try await holding(queue) {
            for tenant in [Self.alice, Self.alice, Self.alice, Self.bob] {
                let count = waiting.count + 1
                let work = { @Sendable in order.withLock { $0.append(tenant.rawValue) } }
                waiting.append(Task { try await queue.perform(for: tenant, work) })
                try await until { queue.waiting == count }
            }
        }
        for task in waiting { try await task.value }
        #expect(order.withLock { $0 } == ["alice", "bob", "alice", "alice"])
    }

    @Test("refuses what is too much to wait, for a tenant and for all, with 429 and a time to retry")
    func full() async throws {
        let queue = CompilationQueue(limits: .init(waiting: 2, waitingPerTenant: 1))
        var waiting: [Task<Void, any Error>] = []
        try await holding(queue) {
            for tenant in [Self.alice, Self.bob] {
                waiting.append(Task { try await queue.perform(for: tenant) {} })
                try await until { queue.waiting == waiting.count }
                for other in [tenant, waiting.count == 2 ? Tenant(rawValue: "carol") : tenant] {
                    let error = await #expect(throws: APIError.self) { try await queue.perform(for: other) {} }
                    #expect(error?.status == .tooManyRequests && error?.retryAfter == 1)
                }
            }
        }
        for task in waiting { try await task.value }
    }

    @Test("refuses what has waited too long, and goes on with what comes later")
    func patience() async throws {
        let queue = CompilationQueue(limits: .init(patience: .milliseconds(20)))
        let late = Mutex(false)
        let work = { @Sendable in late.withLock { $0 = true } }
        var waiting: Task<Void, any Error>?
        try await holding(queue) {
            waiting = Task { try await queue.perform(for: Self.alice, work) }
            try await until { queue.waiting == 1 }
            try await Task.sleep(for: .milliseconds(30))
        }
        let error = await #expect(throws: APIError.self) { try await waiting?.value }
        #expect(error?.status == .tooManyRequests)
        #expect(!late.withLock { $0 })
        #expect(try await CompilationQueue().perform(for: Self.alice) { 7 } == 7)
    }

    @Test("forgets what nobody waits for any more")
    func cancelled() async throws {
        let queue = CompilationQueue()
        let ran = Mutex(false)
        let work = { @Sendable in ran.withLock { $0 = true } }
        try await holding(queue) {
            let left = Task { try await queue.perform(for: Self.alice, work) }
            try await until { queue.waiting == 1 }
            left.cancel()
            await #expect(throws: CancellationError.self) { try await left.value }
            #expect(queue.waiting == 0)
        }
        #expect(try await queue.perform(for: Self.alice) { 7 } == 7)
        #expect(!ran.withLock { $0 })
    }
}
