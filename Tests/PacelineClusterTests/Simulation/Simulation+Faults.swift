import NIOCore
import PacelineCluster
import PacelineSpeculation

import struct PacelineSimulation.EventQueue

extension Simulation {
    /// One fault of a kind that the scenario allows.
    func injectFault() {
        guard !scenario.faultKinds.isEmpty, !workers.isEmpty else { return }
        let kind = scenario.faultKinds[random.next(below: scenario.faultKinds.count)]
        let worker = random.next(below: workers.count)
        switch kind {
        case .kill: kill(worker)
        case .stop: stop(worker, for: .milliseconds(50 + random.next(below: 4000)))
        case .cut: if let pipe = openPipe() { cut(pipe) }
        case .hold:
            if let pipe = openPipe() { pipes[pipe].heldUntil = now + .milliseconds(50 + random.next(below: 3000)) }
        case .corrupt: corruptions += 1
        case .intrude: intrude()
        }
        faults[kind.rawValue, default: 0] += 1
    }

    private func openPipe() -> Int? {
        let open = pipes.indices.filter { pipes[$0].isOpen }
        return open.isEmpty ? nil : open[random.next(below: open.count)]
    }

    private func kill(_ worker: Int) {
        guard workers[worker].isAlive else { return }
        workers[worker].isAlive = false
        for index in pipes.indices where pipes[index].worker == worker && pipes[index].life == workers[worker].life {
            cut(index)
        }
        queue.schedule(.restart(worker), at: now + .milliseconds(100 + random.next(below: 2000)))
    }

    func restart(_ worker: Int) {
        guard !workers[worker].isAlive else { return }
        workers[worker] = makeWorker(worker, life: workers[worker].life + 1)
        tell(worker, .timer)
    }

    private func stop(_ worker: Int, for span: Duration) {
        guard workers[worker].isAlive, !workers[worker].isStopped else { return }
        workers[worker].isStopped = true
        queue.schedule(.resume(worker, life: workers[worker].life), at: now + span)
    }

    func resume(_ worker: Int, life: Int) {
        guard workers[worker].life == life, workers[worker].isAlive else { return }
        workers[worker].isStopped = false
        let backlog = workers[worker].backlog
        workers[worker].backlog = []
        for event in backlog {
            tell(worker, event)
        }
    }

    /// Flips a bit of a chunk if a corruption is due.
    func corrupted(_ chunk: ByteBuffer, on pipe: Int) -> ByteBuffer {
        guard corruptions > 0 else { return chunk }
        corruptions -= 1
        var bytes = Array(chunk.readableBytesView)
        bytes[random.next(below: bytes.count)] ^= 1 << UInt8(random.next(below: 8))
        return ByteBuffer(bytes: bytes)
    }

    /// A stranger connects and talks nonsense.
    private func intrude() {
        let link = LinkID(rawValue: 1 << 40 + UInt64(random.next(below: 1 << 20)))
        tell(.accepted(link, LinkArrival(host: "stranger", nonce: LinkNonce(using: &nonces))))
        let talk: [UInt8] =
            random.next(below: 2) == 0
            ? Array("GET / HTTP/1.1\r\n\r\n".utf8) : (0..<40).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        tell(.received(link, ByteBuffer(bytes: talk)))
    }
}
